# The stand-alone service, and the application that docker-compose.yml runs.
#   docker build -t holdfast .
ARG NODE=node:20.20-bookworm-slim

FROM ${NODE} AS build
# better-sqlite3 is compiled where no binary of it can be had.
RUN apt-get update \
  && apt-get install -y --no-install-recommends g++ make python3 \
  && rm -rf /var/lib/apt/lists/*
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --no-audit --no-fund
COPY nest-cli.json tsconfig.json tsconfig.build.json tsconfig.tools.json ./
COPY src src
COPY examples examples
COPY bench bench
COPY test test
RUN npm run build:all
# What the package leaves to its host (its peers) an image must have: at the versions that the tests ran with, and nothing else of the tools.
COPY scripts/runtime-packages.mjs scripts/
RUN node scripts/runtime-packages.mjs && npm prune --omit=dev --no-audit --no-fund

FROM ${NODE}
ENV NODE_ENV=production \
  HOLDFAST_STATE=/var/lib/holdfast \
  HOLDFAST_LISTEN=0.0.0.0 \
  PORT=3000
WORKDIR /app
COPY --from=build /app/node_modules node_modules
COPY --from=build /app/dist dist
COPY --from=build /app/build/examples/compose build/examples/compose
COPY --from=build /app/package.json /app/package-lock.json ./
COPY LICENSE ./
RUN install -d -o node -g node -m 0700 /var/lib/holdfast
USER node
VOLUME /var/lib/holdfast
EXPOSE 3000
HEALTHCHECK --interval=5s --timeout=3s --start-period=20s --retries=3 \
  CMD ["node", "-e", "fetch('http://127.0.0.1:' + process.env.PORT + '/health/live').then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"]
CMD ["node", "dist/main.js"]
