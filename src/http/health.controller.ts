import { Controller, Get, Header, HttpStatus, Inject, Res } from '@nestjs/common';
import { HoldfastService, type Readiness } from '../runtime';

/** The part of the platform's response object that is used (Express and Fastify alike). */
interface StatusResponse {
  status(code: number): unknown;
}

/** `/health/live`: the process answers. `/health/ready`: store, view and own trust, each in words; 503 while one of them is not ok. */
@Controller('health')
export class HealthController {
  constructor(@Inject(HoldfastService) private readonly holdfast: HoldfastService) {}

  @Get('live')
  @Header('Cache-Control', 'no-store')
  live(): { status: 'ok'; serviceId: string } {
    return { status: 'ok', serviceId: this.holdfast.serviceId };
  }

  @Get('ready')
  @Header('Cache-Control', 'no-store')
  async ready(@Res({ passthrough: true }) response: StatusResponse): Promise<Readiness> {
    const readiness = await this.holdfast.readiness();
    if (!readiness.ready) response.status(HttpStatus.SERVICE_UNAVAILABLE);
    return readiness;
  }
}
