/*
 * One job stream, and NP processes that append to it. Safety by compare-and-set alone (protocol §3).
 *
 * Any process may decide anything at any time: membership may be as wrong as it likes. An append is a message: it may be executed in time, late or
 * never, executed with its answer lost, and it is sent again, identically. A crash leaves the append that was under way behind as a ghost.
 * A decision reads, folds and decides in one step; the append is not part of that step.
 *
 * Asked (assertions):
 *   - what is accepted was decided on the state that it meets, and no epoch has two owners;
 *   - a run starts once, ends once, and nothing of an epoch changes state after that epoch;
 *   - what a process believes it wrote is what the log holds, and no two processes believe that they run the same attempt;
 *   - a process never has two handlers of the job at once (rule 3.7);
 *   - HOLD: a run lost under `onOwnerLoss: hold` is followed by no start before an operator has resolved it.
 *
 * In the code: `apply` is src/domain/job/evolve*.ts, `decide` is decide*.ts as worker and sweep ask it, `serve` is an adapter of the log,
 * `Svc` is src/commands/execution (decisions.ts, sender.ts).
 */
#ifndef NP
#define NP 2            /* processes */
#endif
#ifndef MAXREV
#define MAXREV 4        /* appends in the log */
#endif
#ifndef CRASHES
#define CRASHES 0
#endif
#ifndef GHOSTS
#define GHOSTS 9        /* appends that land after the process gave the answer up, in all; 9: without a bound */
#endif
/* What takes part. */
#ifndef HOLD
#define HOLD 0          /* 1: the policy of the job for a lost owner is hold, else rerun */
#endif
#ifndef DRAIN
#define DRAIN 0         /* 1: owners give back: idle, with an outcome, and stuck or aborted */
#endif
#ifndef OPERATOR
#define OPERATOR 0      /* 1: an operator moves, pauses and resumes */
#endif
#ifndef LATE
#define LATE 0          /* 1: a late outcome is recorded */
#endif
/* Rules, on by default. */
#ifndef CAS
#define CAS 1           /* 3.1: exact expected revision */
#endif
#ifndef IDS
#define IDS 1           /* 3.2: event ids of command, stream, revision and content; 0: of command and index */
#endif
#ifndef DEFINITE
#define DEFINITE 1      /* 3.2: sent again until the answer is definite; 0: read and decided anew after a time-out */
#endif
#ifndef OPEN
#define OPEN 1          /* 3.6: an outcome is accepted for an open run only */
#endif
#ifndef SETTLE
#define SETTLE 1        /* 3.7: no start in a process where an earlier handler has not settled */
#endif
#ifndef ONEAPPEND
#define ONEAPPEND 1     /* §4: [JobRunAbandoned(hold), JobHeld, JobRequeued, JobBoundToService] is one append; 0: JobHeld is the next one */
#endif

/* Kinds of appends. Each line of protocol §4 is one append. */
#define BIND 1          /* JobBoundToService */
#define BINDSTART 2     /* JobBoundToService, JobRunStarted */
#define START 3
#define SUCCEED 4       /* JobRunSucceeded, JobCompleted */
#define FAIL 5          /* JobRunFailed, a retry left */
#define REQUEUE 6       /* (JobRunAbandoned), JobRequeued: nobody is eligible */
#define TAKEOVER 7      /* (JobRunAbandoned), JobRequeued, JobBoundToService, JobRunStarted; held: without the start */
#define CANCEL 8
#define RELEASE 9       /* JobReleased, idle */
#define SWEPT 10        /* JobRunAbandoned(lostInProcess), by the owner itself */
#define OTHER 11        /* JobRunStarted of another slot: what the same process may decide instead */
#define GIVEBACK 12     /* JobRunSucceeded, JobReleased: a drain, or no longer eligible; the job recurs */
#define STUCK 13        /* JobRunAbandoned(stuck or drain), JobReleased */
#define REFUSED 14      /* JobRunOutcomeRefused */
#define HELD 15         /* JobHeld alone: only where the one append is split */
#define RESOLVE 16      /* JobHoldResolved(retry) */
#define MOVE 17         /* (JobReleased(moved)), JobBoundToService of another */
#define PAUSE 18
#define RESUME 19

#define ATTEMPTS (MAXREV + 2)
/* The fold of the stream. */
byte rev = 0, epoch = 0, owner = 0, attempts = 0;
byte runAttempt = 0, runEpoch = 0, runOwner = 0;
bit isOpen = 0, held = 0, lost = 0, paused = 0;
byte ended = 0;          /* 1 cancelled, 2 completed */
/* History, as far as an append that is under way may still be compared with it. */
byte idAt[MAXREV + 1]; byte kindAt[MAXREV + 1];
/* What has happened to each attempt. */
byte started[ATTEMPTS]; byte believed[ATTEMPTS]; byte outcomes[ATTEMPTS]; byte refusals[ATTEMPTS];
byte incarnations = 1, crashes = 0, ghosts = 0;
/* Each process: its append (0 none, 1 sent, 2 appended, 3 conflict), its ghost, its handler. */
byte inc[NP]; byte flight[NP]; byte at[NP]; byte kind[NP]; byte attempt[NP]; byte ep[NP];
bit ghost[NP]; byte gAt[NP]; byte gKind[NP]; byte gAttempt[NP]; byte gEp[NP]; byte gInc[NP];
bit running[NP]; byte mine[NP];

#if IDS == 1
#define ID(i, k) (i * 20 + k)
#else
#define ID(i, k) (i * 20 + (k == OTHER -> START : k))
#endif
#define STARTS(k) (k == START || k == OTHER || k == BINDSTART || (k == TAKEOVER && !HOLD))
#define MAYRUN(k) (!paused && !held)

inline endRun() {
  if
  :: isOpen -> outcomes[runAttempt]++; assert(outcomes[runAttempt] == 1); isOpen = 0; runAttempt = 0; runEpoch = 0; runOwner = 0
  :: else
  fi
}
inline bindTo(i, e) { assert(e == epoch + 1 && !ended); owner = i; epoch = e }

/* Everything that is accepted was decided on exactly this state; the assertions are the invariants. */
inline apply(i, k, a, e) {
  if
  :: (k == BIND || k == BINDSTART) -> assert(owner == 0); bindTo(i, e)
  :: (k == REQUEUE) -> assert(owner != 0 && !ended);
#if HOLD
       if :: isOpen -> lost = 1; held = ONEAPPEND :: else fi;
#endif
       endRun(); owner = 0
  :: (k == TAKEOVER) -> assert(owner != 0 && !ended);
#if HOLD
       if :: isOpen -> lost = 1; held = ONEAPPEND :: else fi;
#endif
       endRun(); bindTo(i, e)
  :: (k == SUCCEED || k == FAIL || k == SWEPT || k == GIVEBACK || k == STUCK) ->
       assert(isOpen && runAttempt == a && runEpoch == e && runOwner == i && owner == i && epoch == e && ended != 1);
       endRun();
       if :: (k == SUCCEED) -> ended = 2; owner = 0 :: (k == GIVEBACK || k == STUCK) -> owner = 0 :: else fi
  :: (k == CANCEL) -> assert(!ended); endRun(); held = 0; lost = 0; ended = 1; owner = 0
  :: (k == RELEASE) -> assert(owner == i && !isOpen && !ended); owner = 0
  :: (k == MOVE) -> assert(!isOpen); bindTo(a, e)
  :: (k == PAUSE) -> assert(!paused && !ended); paused = 1
  :: (k == RESUME) -> assert(paused && !ended); paused = 0
  :: (k == HELD) -> held = 1
  :: (k == RESOLVE) -> assert(held && !ended); held = 0; lost = 0
  :: (k == REFUSED) -> refusals[a]++; assert(refusals[a] == 1)
  :: else
  fi;
  if
  :: STARTS(k) ->
       assert(owner == i && epoch == e && !isOpen && !ended && !paused);
       assert(!lost);
       started[a]++; assert(started[a] == 1);
       isOpen = 1; runAttempt = a; runEpoch = e; runOwner = i; attempts = a
  :: else
  fi;
  rev++; idAt[rev] = ID(i, k); kindAt[rev] = k
}

/* The log: taken at the head, known by the id of what stands at its place, or refused. */
inline serve(res, i, x, k, a, e) {
  if
  :: (x == rev || !CAS) && rev < MAXREV -> apply(i, k, a, e); res = 2
  :: (x < rev && idAt[x + 1] == ID(i, k)) -> res = 2
  :: else -> res = 3
  fi
}
inline send(k, a, e) { kind[p] = k; attempt[p] = a; ep[p] = e; at[p] = rev; flight[p] = 1 }
#define OWN (owner == inc[p] && !ended)
#define MINEOPEN (running[p] && isOpen && runOwner == inc[p] && runAttempt == mine[p])
#define FREE (!SETTLE || !running[p])
inline decide() {
  if
  :: !ended && owner == 0 -> send(BIND, 0, epoch + 1)
  :: !ended && owner == 0 && MAYRUN(0) && FREE -> send(BINDSTART, attempts + 1, epoch + 1)
  :: OWN && !isOpen && MAYRUN(0) && FREE -> send(START, attempts + 1, epoch)
  :: OWN && !isOpen && MAYRUN(0) && FREE -> send(OTHER, attempts + 1, epoch)
  :: !ended && owner != 0 && owner != inc[p] -> send(REQUEUE, 0, 0)
  :: !ended && owner != 0 && owner != inc[p] && (HOLD || (MAYRUN(0) && FREE)) -> send(TAKEOVER, attempts + 1, epoch + 1)
  :: !ended -> send(CANCEL, 0, 0)
#if HOLD
  :: held && !ended -> send(RESOLVE, 0, 0)
  :: !ONEAPPEND && lost && !held && !ended -> send(HELD, 0, 0)
#endif
#if DRAIN
  :: OWN && !isOpen && !running[p] -> send(RELEASE, 0, 0)
  :: MINEOPEN -> send(GIVEBACK, runAttempt, runEpoch)
  :: MINEOPEN -> send(STUCK, runAttempt, runEpoch)
#endif
#if OPERATOR
  :: !ended && !isOpen && owner != inc[1 - p % 2] -> send(MOVE, inc[1 - p % 2], epoch + 1)
  :: !ended && !paused -> send(PAUSE, 0, 0)
  :: !ended && paused -> send(RESUME, 0, 0)
#endif
  :: MINEOPEN -> send(SUCCEED, runAttempt, runEpoch)
  :: MINEOPEN -> send(FAIL, runAttempt, runEpoch)
#if OPEN == 0
  :: running[p] && !ended && owner != 0 -> send(FAIL, mine[p], epoch)
#endif
  /* The handler has settled, and its run is not open any more. */
#if LATE
  :: running[p] && !MINEOPEN && outcomes[mine[p]] && refusals[mine[p]] == 0 -> send(REFUSED, mine[p], 0)
#endif
  :: running[p] && !MINEOPEN -> running[p] = 0; mine[p] = 0
  /* 3.5: the owner sweeps itself; no append of this process is under way here. */
  :: OWN && !running[p] && isOpen && runOwner == inc[p] -> send(SWEPT, runAttempt, runEpoch)
  fi
}
inline landed() {
  assert(kindAt[at[p] + 1] == kind[p]);    /* what I believe I wrote is what the log holds */
  if
  :: STARTS(kind[p]) ->
       assert(!running[p]);
       believed[attempt[p]]++; assert(believed[attempt[p]] == 1);
       running[p] = 1; mine[p] = attempt[p]
  :: (kind[p] == SUCCEED || kind[p] == FAIL || kind[p] == GIVEBACK || kind[p] == REFUSED) -> running[p] = 0; mine[p] = 0
  :: else     /* STUCK: the handler goes on, its job is somebody else's */
  fi
}

/* What no append under way can be compared with is forgotten: it merges states and changes nothing. */
inline forget() {
  r = 1;
  do
  :: r <= MAXREV ->
       q = 0; kept = 0;
       do
       :: q < NP -> kept = kept || (flight[q] && at[q] + 1 == r) || (ghost[q] && gAt[q] + 1 == r); q++
       :: else -> break
       od;
       if :: !kept -> idAt[r] = 0; kindAt[r] = 0 :: else fi;
       r++
  :: else -> break
  od;
  r = 0; q = 0; kept = 0
}
inline clear() { flight[p] = 0; at[p] = 0; kind[p] = 0; attempt[p] = 0; ep[p] = 0 }
inline clearGhost() { ghost[p] = 0; gAt[p] = 0; gKind[p] = 0; gAttempt[p] = 0; gEp[p] = 0; gInc[p] = 0 }
inline haunt() { ghost[p] = 1; gAt[p] = at[p]; gKind[p] = kind[p]; gAttempt[p] = attempt[p]; gEp[p] = ep[p]; gInc[p] = inc[p]; ghosts = (GHOSTS == 9 -> 0 : ghosts + 1) }

proctype Svc(byte p) {
  byte res, r, q; bit kept;
  do
  :: atomic { flight[p] == 0 && rev < MAXREV && (!ended || running[p]) -> decide() }
  :: d_step { flight[p] == 1 -> serve(flight[p], inc[p], at[p], kind[p], attempt[p], ep[p]); forget() }
  :: d_step { flight[p] == 2 -> landed(); clear(); forget() }
  :: d_step { flight[p] == 2 && STARTS(kind[p]) -> clear(); forget() }     /* 3.4: fenced in between, the handler is not entered */
  :: d_step { flight[p] == 3 -> clear(); forget() }                        /* moved: read, decide anew */
  :: d_step { flight[p] == 1 && !ghost[p] && ghosts < GHOSTS -> haunt() }                     /* no answer: sent again, and the first sending may still land */
  :: d_step { flight[p] == 2 -> flight[p] = 1 }                            /* the answer was lost: sent again */
#if DEFINITE == 0
  :: d_step { flight[p] == 1 && ghost[p] && gAt[p] == at[p] && gKind[p] == kind[p] && gInc[p] == inc[p] -> clear(); forget() }
#endif
  :: d_step { ghost[p] -> serve(res, gInc[p], gAt[p], gKind[p], gAttempt[p], gEp[p]); clearGhost(); res = 0; forget() }
  :: d_step { ghost[p] -> clearGhost(); forget() }
  :: d_step { crashes < CRASHES -> crashes++;
       if :: flight[p] == 1 && !ghost[p] && ghosts < GHOSTS -> haunt() :: else fi;
       clear(); running[p] = 0; mine[p] = 0; inc[p] = incarnations; incarnations++; forget() }
  od
}
init { atomic { byte n = 0; do :: n < NP -> inc[n] = incarnations; incarnations++; run Svc(n); n++ :: else -> break od } }
