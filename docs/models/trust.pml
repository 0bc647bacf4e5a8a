/*
 * Stop before steal (protocol 5.2–5.6, 5.10, 5.13), in discrete time. X owns a job and runs it, O observes and would take it; the log is a total order.
 *
 * A clock is kept as an age: ticks since something happened, saturating at MX. So the states are finite, and a run is as long as it likes. X and O
 * may pause at any time for as long as they like: no step of theirs, while ticks go on. A beat lands at any later time or never, and is acknowledged
 * at any later time or never; whoever stops waiting for it leaves it in flight. What O has not read of the log stands in Q, and is read in order,
 * at any later time. Beats of X that follow each other in Q are one, at the later moment: the lag of O is without bound.
 *
 * Asked: X never acts after O has taken its job. X acts only where it has looked at its trust in the same step (`context.guard()`); with STOP a handler
 * goes on for so many ticks after the fence.
 *
 * In the code: X is src/membership/trust.ts, beats.ts and returning.ts, O observation.ts and verdicts.ts; O's move after a mark is
 * src/ownership/orphans.ts.
 */
#ifndef SF
#define SF 2            /* selfFenceAfter */
#endif
#ifndef FA
#define FA 2            /* failAfter */
#endif
#ifndef STOP
#define STOP 0          /* D: loop delay and abort grace */
#endif
#ifndef MX
#define MX 4            /* ages saturate here */
#endif
#ifndef QL
#define QL 3
#endif
#ifndef BEATS
#define BEATS 2         /* beats of X under way at once; 1: no ghost beside a newer one */
#endif
#ifndef REASSERT
#define REASSERT 0      /* so often may X reassert itself */
#endif
#ifndef MARK
#define MARK 0          /* 1: an operator marks X, or X appends its ServiceStopped with something left over */
#endif
#ifndef REG
#define REG 0           /* 1: it begins with the registration of X, which trusts itself from its first beat on; 0: with a beat that was acknowledged */
#endif
/* Rules, on by default. */
#ifndef SILENCE
#define SILENCE 2       /* 5.3: watermark − last seen; 1: now − last seen, while own beats come back; 0: now − last seen */
#endif
#ifndef RENEW
#define RENEW 1         /* 5.2: only what is acknowledged before it expires renews trust; 0: whatever is acknowledged */
#endif
#ifndef FROMSTART
#define FROMSTART 1     /* 5.2: trust runs from the start of a beat; 0: from its acknowledgement */
#endif
#ifndef VIEWREV
#define VIEWREV 1       /* 5.5: a verdict holds at the revision of the view with the evidence; 0: after a conflict it is decided anew on old evidence */
#endif
#ifndef FIRST
#define FIRST 1         /* 5.6: a first beat makes trust within selfFenceAfter of the registration only; 0: whenever it comes */
#endif
#ifndef WAITS
#define WAITS 1         /* 5.13, 5.10: what runs moves after failAfter of silence since the end; 0: at once */
#endif
#ifndef COUNTS
#define COUNTS 1        /* 5.13: beats of the marked incarnation count for this; 0: the silence runs from the mark */
#endif
#ifndef FINAL
#define FINAL 1         /* 5.2: an ended incarnation is not reasserted; 0: a mark does not refuse it */
#endif

#define FREE 0
#define FLYING 1
#define LANDED 2
#define REFUSED 3
#define X_BEAT 1
#define X_BACK 2        /* ServiceReasserted */
#define X_MARKED 3
#define O_BEAT 4
#define X_REG 5
#define OLDER(a) if :: (a < MX) -> a = a + 1 :: else fi

chan Q = [QL] of { byte };
byte last = 0;                                   /* the newest entry of Q */
/* X: age of its trust, beats (the older one may be a ghost), a reassertion. */
byte trust = 0; bit fenced = 0, heard = 0;
bit first = REG;                                 /* no beat was acknowledged yet: it does not trust itself, and trust is the age of its registration */
byte beat[2]; byte beatAge[2];
byte back = FREE; byte backAge = 0; byte backAt = 0; byte backs = 0;
/* O: a beat, age of the last sign of X, age of the start of the newest own beat read back, age of reading it, revision in its view. */
byte own = FREE; byte ownAge = 0; byte seen = 0; byte water = MX; byte readBack = 2; byte view = 0; bit knowsMark = 0, knows = !REG;
byte verdict = FREE; byte verdictAt = 0;
/* The log. */
byte rev = 0; bit failed = 0, marked = 0, stolen = 0;

#define GO(j) (beat[j] == FLYING && (nfull(Q) || (last == X_BEAT && len(Q) > 0)))
inline land() { if :: (last == X_BEAT && len(Q) > 0) -> skip :: else -> Q!X_BEAT; last = X_BEAT fi }
inline drop(j) { beat[j] = FREE; beatAge[j] = 0 }
inline acknowledged(j) {
  if :: !fenced && FROMSTART && beatAge[j] < trust -> trust = beatAge[j] :: !fenced && !FROMSTART -> trust = 0 :: else fi;
  if :: !fenced -> first = 0 :: else fi;
  drop(j)
}

/* X has stopped for good: nothing more is asked of this run. */
#define OVER (RENEW && fenced && trust >= SF + STOP && back != LANDED && (heard || failed || (FINAL && marked) || (back == FREE && backs >= REASSERT)))

active proctype World() provided (!OVER) {
  byte m;
#if REG
  d_step { Q!X_REG; last = X_REG }
#endif
  do
  /* ---- Time ---- */
  :: d_step { !stolen || trust < SF + STOP -> OLDER(trust); OLDER(seen); OLDER(water);
       if :: RENEW && trust >= SF && (FIRST || !first) -> fenced = 1 :: else fi;
       if :: beat[0] != FREE -> OLDER(beatAge[0]) :: else fi; if :: beat[1] != FREE -> OLDER(beatAge[1]) :: else fi;
       if :: own != FREE -> OLDER(ownAge) :: else fi;
       if :: back == FLYING || back == LANDED -> OLDER(backAge) :: else fi;
       if :: (SILENCE == 1 && readBack < 2) -> readBack++ :: else fi }
  /* ---- X ---- */
  :: d_step { beat[0] == FREE && !heard -> beat[0] = FLYING; beatAge[0] = 0 }
  :: d_step { BEATS > 1 && beat[1] == FREE && !heard -> beat[1] = FLYING; beatAge[1] = 0 }
  :: d_step { beat[0] == LANDED -> acknowledged(0) }
  :: d_step { beat[1] == LANDED -> acknowledged(1) }
  :: d_step { beat[0] != FREE -> drop(0) }        /* lost, or its answer is: in flight it may be lost, too */
  :: d_step { beat[1] != FREE -> drop(1) }
  :: d_step { GO(0) -> land(); beat[0] = LANDED }
  :: d_step { GO(1) -> land(); beat[1] = LANDED }
  :: d_step { !fenced && !first && trust < SF -> assert(!stolen) }
#if STOP > 0
  :: d_step { !first && trust < SF + STOP -> assert(!stolen) }
#endif
#if REASSERT
  :: d_step { fenced && !heard && back == FREE && backs < REASSERT && !failed -> back = FLYING; backAge = 0; backAt = rev; backs++ }
  :: d_step { back == FLYING && nfull(Q) -> if :: rev == backAt && !failed && (!FINAL || !marked) -> rev++; back = LANDED; Q!X_BACK; last = X_BACK :: else -> back = FREE; backAge = 0 fi }
  :: d_step { back == FLYING -> back = FREE; backAge = 0 }
  :: d_step { back == LANDED -> if :: backAge < SF && !heard -> trust = backAge; fenced = 0; first = 0 :: else fi; back = FREE; backAge = 0 }
#endif
#if MARK
  :: d_step { !marked && !failed && nfull(Q) -> marked = 1; Q!X_MARKED; last = X_MARKED }
  :: d_step { marked && !heard -> heard = 1; fenced = 1; drop(0); drop(1) }
#endif
  /* ---- O ---- */
  :: d_step { own == FREE -> own = FLYING; ownAge = 0 }
  :: d_step { own == FLYING && nfull(Q) -> own = LANDED; Q!O_BEAT; last = O_BEAT }
  :: d_step { nempty(Q) -> Q?m;
       if
       :: m == X_BEAT -> if :: COUNTS || !knowsMark -> seen = 0 :: else fi
       :: m == X_BACK -> seen = 0; view++
       :: m == X_REG -> seen = 0; knows = 1
       :: m == X_MARKED -> seen = 0; knowsMark = 1
       :: m == O_BEAT -> water = (ownAge < water -> ownAge : water); readBack = 0; own = FREE; ownAge = 0
       fi;
       m = 0; if :: len(Q) == 0 -> last = 0 :: else fi }
  :: d_step { verdict == FREE && !failed && !marked && knows &&
#if SILENCE == 0
       seen >= FA
#elif SILENCE == 1
       seen >= FA && readBack <= 1
#else
       water < MX && seen >= water + FA
#endif
       -> verdict = FLYING; verdictAt = view }
  :: d_step { verdict == FLYING -> verdict = FREE;
       if
       :: !marked && rev == verdictAt -> failed = 1
       :: !marked && rev != verdictAt && !VIEWREV -> verdict = FLYING; verdictAt = rev
       :: else
       fi }
  :: d_step { failed && !stolen -> stolen = 1 }
#if MARK
  :: d_step { knowsMark && !stolen && (!WAITS || (water < MX && seen >= water + FA)) -> stolen = 1 }
#endif
  od
}
