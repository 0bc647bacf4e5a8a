/*
 * Progress: a job is never lost (protocol 5.7, 5.8, 5.10, 5.13, I5). One job that must run to its end once, NP services, MI incarnations in all.
 *
 * Every step changes the state, so every run ends, unless two rules play ping-pong. Asked: each of them, with no fairness assumed, ends in `done`;
 * and no handler is entered while another process executes one (with what trust.pml shows taken for granted: who is judged has stopped).
 *
 * Faults, each as often as its bound says, at every point: a process dies for good or restarts (MI), a verdict is false, an operator marks a living
 * service, a start lands whose process gave the answer up, a claim lands late or never, a view is old for as long as it likes.
 * At most NP − 1 processes are gone for good.
 *
 * In the code: `Judge` is src/membership/verdicts.ts and observation.ts, `Sweep` src/ownership/plan.ts with orphans.ts, `Own` the worker's
 * open-runs.ts and worker.ts, `Drain` src/ownership/drain.ts, `Register` src/membership/registration.ts.
 */
#ifndef NP
#define NP 2
#endif
#ifndef MI
#define MI 3            /* registrations in all */
#endif
#ifndef CRASHES
#define CRASHES 1
#endif
#ifndef FALSE
#define FALSE 1         /* false verdicts */
#endif
#ifndef DRAINS
#define DRAINS 0        /* services that drain and stop */
#endif
#ifndef MARKS
#define MARKS 0         /* operator's marks of a living service */
#endif
#ifndef HANDOVERS
#define HANDOVERS 0     /* releases for a target */
#endif
#ifndef HOLD
#define HOLD 0          /* 1: onOwnerLoss is hold; an operator resolves */
#endif
#ifndef LATE
#define LATE 1          /* 1: a claim is a message */
#endif
/* Rules, on by default. */
#ifndef SELFSWEEP
#define SELFSWEEP 1     /* 3.5: the owner closes an open run that it does not execute */
#endif
#ifndef FIRSTBEAT
#define FIRSTBEAT 1     /* 5.4: a registration counts as a beat; 0: nobody is judged before its first beat */
#endif
#ifndef EVERY
#define EVERY 1         /* 5.7, 5.8: every gone incarnation is judged, by a newcomer of its id at the latest; 0: a newer one hides the older */
#endif
#ifndef LEVEL
#define LEVEL 1         /* 5.7: looked for again and again, by every survivor; 0: whoever gave the verdict moves its jobs, once, right then */
#endif
#ifndef STOPPED
#define STOPPED 1       /* 5.7: a stopped owner is gone, too; 0: only a failed one */
#endif
#ifndef SILENCE
#define SILENCE 1       /* 5.10, 5.13: silence is measured on after a mark or a stop; 0: what had been running waits for ever */
#endif
#ifndef SETTLED
#define SETTLED 1       /* §4: a drain gives back what is idle; 0: what runs, too */
#endif
#ifndef BEATSTOEND
#define BEATSTOEND 1    /* 5.10: beats go on to the end of a drain; 0: they end with its beginning */
#endif
#ifndef WAITS
#define WAITS 1         /* 5.13: what runs at a marked service moves after silence; 0: at once */
#endif
#ifndef OWNVIEW
#define OWNVIEW 1       /* 5.8, I4: claims only while the own view shows the own incarnation alive; 0: whatever it shows */
#endif
#ifndef STEPIN
#define STEPIN 1        /* §7: others take what was released for a target, after 4 × claimGrace; 0: never */
#endif

#define NONE 0
#define LIVE 1
#define DRAINING 2
#define FAILED 3
#define MARKED 4
#define STOPPED_ 5

/* The log: the job, and the life of each incarnation. */
byte owner = 0, runOwner = 0, target = 0;
bit isOpen = 0, held = 0, done = 0;
byte life[MI + 1]; bit beaten[MI + 1]; byte svc[MI + 1];
byte incarnations = 0;
/* Processes: alive, the incarnation it acts under (0: none), its handler, an append under way, what it still has to move (LEVEL == 0). */
bit up[NP]; byte inc[NP]; bit runs[NP]; byte late[NP]; byte todo[NP];
/* Their views, each of one position. */
typedef View { byte owner; byte life[MI + 1] };
View v[NP];
byte crashes = 0, falses = 0, drains = 0, marks = 0, gaveUp = 0, handovers = 0, dead = 0, returns = 0;

#define ACTS (!done && up[p] && inc[p] != 0)
#define BEATS(i) (up[svc[i]] && inc[svc[i]] == i && (BEATSTOEND || life[i] != DRAINING))
#define CLAIMS (ACTS && life[inc[p]] != DRAINING && (!OWNVIEW || v[p].life[inc[p]] == LIVE))
#define ENDED(l) (l == FAILED || l == MARKED || (STOPPED && l == STOPPED_))
/* Whoever has to register again can. */
#define RETURN (returns < MI - NP)
#define IN(i) (life[i] == LIVE || life[i] == DRAINING)
/* Failed: at once. Marked or stopped: what was running there moves after silence. */
#define MOVES(i) (life[i] == FAILED || !isOpen || (SILENCE && !BEATS(i)) || (!WAITS && life[i] == MARKED))
#if NP == 2
#define OTHERS runs[1 - p]
#else
#define OTHERS (runs[(p + 1) % NP] || runs[(p + 2) % NP])
#endif
#if MI == 3
#define OLD (v[p].owner != owner || v[p].life[1] != life[1] || v[p].life[2] != life[2] || v[p].life[3] != life[3])
#elif MI == 4
#define OLD (v[p].owner != owner || v[p].life[1] != life[1] || v[p].life[2] != life[2] || v[p].life[3] != life[3] || v[p].life[4] != life[4])
#else
#define OLD (v[p].owner != owner || v[p].life[1] != life[1] || v[p].life[2] != life[2] || v[p].life[3] != life[3] || v[p].life[4] != life[4] || v[p].life[5] != life[5])
#endif

inline endLife(q) { inc[q] = 0; runs[q] = 0; todo[q] = 0; v[q].owner = 0 }
inline take(i) {
  if :: isOpen && HOLD -> held = 1 :: else fi;
  isOpen = 0; runOwner = 0; target = 0; owner = i
}
inline look() {
  v[p].owner = owner; j = 1;
  do :: j <= MI -> v[p].life[j] = life[j]; j++ :: else -> break od;
  j = 0
}
/* A newcomer ends the former incarnation of its id in the append of its registration: that one is gone, or has been silent for failAfter. */
inline register() {
  j = 1;
  do :: j <= MI -> if :: EVERY && svc[j] == p && IN(j) -> life[j] = FAILED :: else fi; j++ :: else -> break od;
  j = 0; incarnations++; inc[p] = incarnations; life[incarnations] = LIVE; svc[incarnations] = p
}
/* Whom p may judge: silent, and heard of. 5.8: a newer incarnation does not hide an older one. */
#define SILENT(i) (IN(i) && svc[i] != p && !BEATS(i) && (FIRSTBEAT || beaten[i]) && (EVERY || !up[svc[i]] || inc[svc[i]] == 0))

proctype Svc(byte p) {
  byte j;
  do
  :: done -> break
  :: d_step { !done && up[p] && inc[p] == 0 && late[p] == 0 && incarnations < MI -> register() }
  :: d_step { ACTS && OLD -> look() }
  :: d_step { ACTS && !FIRSTBEAT && !beaten[inc[p]] -> beaten[inc[p]] = 1 }

  /* ---- Sweep: the view suggests, the state at the head decides. ---- */
  :: d_step { CLAIMS && v[p].owner == 0 && owner == 0 && late[p] == 0 && (target == 0 || target == p + 1 || STEPIN) ->
       if :: LATE -> late[p] = inc[p] :: else -> owner = inc[p]; target = 0 fi }
  :: d_step { !done && late[p] != 0 -> if :: owner == 0 -> owner = late[p]; target = 0 :: else fi; late[p] = 0 }
  :: d_step { !done && late[p] != 0 && !(up[p] && inc[p] == late[p]) -> late[p] = 0 }                       /* it never lands */
  :: d_step { LEVEL && CLAIMS && owner != 0 && v[p].owner == owner && ENDED(v[p].life[owner]) && MOVES(owner) -> take(inc[p]) }
  :: d_step { !LEVEL && ACTS && todo[p] != 0 -> if :: owner == todo[p] -> take(inc[p]) :: else fi; todo[p] = 0 }

  /* ---- Own runs. ---- */
  :: d_step { SELFSWEEP && ACTS && owner == inc[p] && isOpen && runOwner == inc[p] && !runs[p] -> isOpen = 0; runOwner = 0 }
  :: d_step { ACTS && owner == inc[p] && !isOpen && !held && !runs[p] && life[inc[p]] != DRAINING -> assert(!OTHERS); isOpen = 1; runOwner = inc[p]; runs[p] = 1 }
  :: d_step { ACTS && owner == inc[p] && !isOpen && !held && !runs[p] && life[inc[p]] != DRAINING && gaveUp == 0 -> isOpen = 1; runOwner = inc[p]; gaveUp = 1 }
  :: d_step { ACTS && runs[p] -> runs[p] = 0; if :: isOpen && runOwner == inc[p] && owner == inc[p] -> done = 1 :: else fi }

  /* ---- Membership. ---- */
  :: d_step { ACTS && SILENT(1) -> life[1] = FAILED; todo[p] = (LEVEL -> 0 : 1) }
  :: d_step { ACTS && SILENT(2) -> life[2] = FAILED; todo[p] = (LEVEL -> 0 : 2) }
  :: d_step { ACTS && SILENT(3) -> life[3] = FAILED; todo[p] = (LEVEL -> 0 : 3) }
#if MI > 3
  :: d_step { ACTS && SILENT(4) -> life[4] = FAILED; todo[p] = (LEVEL -> 0 : 4) }
#endif
#if MI > 4
  :: d_step { ACTS && SILENT(5) -> life[5] = FAILED; todo[p] = (LEVEL -> 0 : 5) }
#endif
  /* A false verdict on another: its own trust has expired before (trust.pml), so its handler is aborted. */
  :: d_step { !done && falses < FALSE && up[p] && inc[p] != 0 && IN(inc[p]) && RETURN -> falses++; returns++; life[inc[p]] = FAILED; endLife(p) }
  /* A mark, and later the marked process hears of it. It registers again when it is told to. */
  :: d_step { ACTS && marks < MARKS && IN(inc[p]) && RETURN -> marks++; returns++; life[inc[p]] = MARKED }
  :: d_step { ACTS && life[inc[p]] == MARKED -> endLife(p) }

  /* ---- Drain: idle jobs are given back, then it stops, whatever still runs. ---- */
  :: d_step { ACTS && drains < DRAINS && life[inc[p]] == LIVE && dead < NP - 1 -> drains++; dead++; life[inc[p]] = DRAINING }
  :: d_step { ACTS && life[inc[p]] == DRAINING && owner == inc[p] && (!SETTLED || !isOpen) -> owner = 0; isOpen = 0; runOwner = 0 }
  :: d_step { ACTS && life[inc[p]] == DRAINING && !(v[p].owner == inc[p] && owner == inc[p] && !isOpen) -> life[inc[p]] = STOPPED_; endLife(p); up[p] = 0 }
  /* Hand-over: pushed by the owner, idle, for another that lives. */
  :: d_step { ACTS && handovers < HANDOVERS && life[inc[p]] == LIVE && owner == inc[p] && !isOpen && !runs[p] && up[(p + 1) % NP] -> handovers++; owner = 0; target = (p + 1) % NP + 1 }

  /* ---- Deaths. ---- */
  :: d_step { !done && up[p] && crashes < CRASHES && dead < NP - 1 -> crashes++; dead++; endLife(p); up[p] = 0 }
  :: d_step { !done && up[p] && inc[p] != 0 && crashes < CRASHES && RETURN -> crashes++; returns++; endLife(p) }
  od
}
/* An operator resolves what is held, some day. */
active proctype Operator() {
  do
  :: done -> break
  :: d_step { !done && held -> held = 0 }
  od
}
init { atomic { byte n = 0; do :: n < NP -> up[n] = 1; run Svc(n); n++ :: else -> break od } }
ltl progress { <> done }
