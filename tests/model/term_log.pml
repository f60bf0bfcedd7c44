/* The log protocol of docs/log-format.md, for spin. Two writers own one log in turns, or believe they do, over a
 * network that is worse than Kafka's: it delivers late, in any order, again or never. What must hold are the assertions
 * P1 to P8. Run it with model_test.py beside this file, which also knows the mutants (-D): each leaves a rule out.
 *
 * docs/log-format.md                                    here
 * Reading, the table                                    read_record(), in the table's order
 * Positions: (offset, T, N), at a commit's end          read_late(), restart_late_reader()
 * Taking over, 1: read to the log's end first           left out. A writer claims from wherever it has read to, and all
 *                                                       holds: the rule only spares claims that would come too late
 * Taking over, 2: append TermStarted(T + 1)             claim()
 * Taking over, 3: read on until it comes back           own_or_yield()
 * Committing: decide on confirmed + in flight           decide(), head
 * Committing: told when the owner's reader accepts it   writer_reads(), tell()
 * A refusal waits for what it was decided on            may_refuse()
 * In doubt: a new producer, a new term                  give_up(), at any time; what was on its way stays on its way
 * What was pending is decided again, known by its id    may_decide(), is_known()
 * Deposed: drop the speculative state                   own_or_yield(), give_up()
 * A zombie                                              a writer that does not read: none has to, ever
 * A crash                                               give_up(), and a position that was saved before: a standby that
 *                                                       has read less is among the states anyway
 *
 * Not here: time (a zombie's refusals from a state that was true once are held back by a clock), more logs than one,
 * more aggregates than one, and that anything good ever happens.
 */

/* Bounds; at most 4, 4 and 3. Terms are as many as claims. A commit has one or two records. */
#ifndef CLAIMS
#define CLAIMS 3
#endif
#ifndef COMMITS
#define COMMITS 3
#endif
#ifndef COMMANDS
#define COMMANDS 3
#endif

/* Mutants of the reading rules; the others stand where their rule is. */
#ifdef TERM_NOT_CHECKED
#define term_checked false
#else
#define term_checked true
#endif
#ifdef COMMIT_NOT_CHECKED
#define commit_checked false
#else
#define commit_checked true
#endif
#ifdef PART_NOT_CHECKED
#define part_checked false
#else
#define part_checked true
#endif
#ifdef EQUAL_TERM_COUNTS
#define higher(t, than) (t >= than)
#else
#define higher(t, than) (t > than)
#endif

/* A record is a number: 1 .. CLAIMS are TermStarted records (the number is the nonce too), then two for each commit. */
#define is_claim(r) ((r) <= CLAIMS)
#define commit_of(r) (((r) - CLAIMS + 1) / 2)
#define part_of(r) (2 - ((r) - CLAIMS) % 2)
#define RECORDS (CLAIMS + 2 * COMMITS)
#define bit(n) (1 << (n))

byte claims;                     /* made so far */
byte term_of_claim[CLAIMS + 1];

byte commits; /* decided so far; of each: */
byte term[COMMITS + 1];
byte number[COMMITS + 1];
byte parts[COMMITS + 1];
byte command[COMMITS + 1];
byte decided_on[COMMITS + 1]; /* the commit before it in its writer's eyes; 0: none */

#define MOST_KEPT (RECORDS + CLAIMS) /* each record once, and a gap a term */
byte log[MOST_KEPT];
byte length;
byte landed; /* claims that did */

#define is_produced(r) \
  ((is_claim(r) && (r) <= claims) || (!is_claim(r) && commit_of(r) <= commits && part_of(r) <= parts[commit_of(r)]))

/* ---- reading */

typedef Reader {
  byte term;
  byte next;       /* commit; 0: the term has a gap */
  byte collecting; /* the commit whose first of two records was read; 0: none */
  byte accepted;   /* how many commits */
}
/* Two writers, and two who only read: one from the start, one that is restarted from the position that it saved. */
#define FIRST 2
#define LATE 3
Reader readers[4];
Reader saved; /* LATE's, and where: how many commits its rows hold is written in one batch with it */
byte saved_offset;
byte offset[2]; /* of the writers' next record; FIRST and LATE read at once */

byte history[COMMITS]; /* the commits that FIRST accepted */
short in_history;      /* the same as a set: a bit for each, as are all sets here */
byte done;             /* the set of their commands */
short promised;        /* commits that somebody was told of, or told "no" because of, and that are not history yet */
byte known[2];         /* a writer's index: the commands that its reader accepted */
byte seen;             /* how many commands were ever decided */

mtype = { TERM_STARTED, IGNORED, COLLECTING, ACCEPTED, FENCED, DUPLICATE, GAP };
hidden mtype verdict;
hidden byte c, p; /* commit and part of the record that is being read; 0 between steps */
hidden byte old_term, old_next, old_collecting, o;

inline gap(reader) {
  readers[reader].next = 0;
  readers[reader].collecting = 0;
  verdict = GAP
}

inline read_record(reader, r) {
  if
  :: is_claim(r) ->
    if
    :: higher(term_of_claim[r], readers[reader].term) ->
      readers[reader].term = term_of_claim[r];
      readers[reader].next = 1;
      readers[reader].collecting = 0;
      verdict = TERM_STARTED
    :: else -> verdict = IGNORED
    fi
  :: else ->
    c = commit_of(r);
    p = part_of(r);
    if
    :: term_checked && term[c] != readers[reader].term -> verdict = FENCED
    :: else ->
      if
      :: commit_checked && readers[reader].next == 0 -> gap(reader)
      :: else ->
        if
        :: commit_checked && number[c] < readers[reader].next -> verdict = DUPLICATE
        :: else ->
          if
          :: (commit_checked && number[c] > readers[reader].next) ||
             (part_checked && p != 1 + (readers[reader].collecting != 0)) -> gap(reader)
          :: else ->
            if
            :: p < parts[c] -> readers[reader].collecting = c; verdict = COLLECTING
            :: else -> accept(reader)
            fi
          fi
        fi
      fi
    fi
  fi
}

inline accept(reader) {
  verdict = ACCEPTED;
  assert(readers[reader].collecting == (p == 2 -> c : 0)); /* P1: a commit is accepted whole */
  readers[reader].collecting = 0;
  readers[reader].next++;
  if
  :: reader == FIRST -> enter_history()
  :: else -> assert(history[readers[reader].accepted] == c) /* P2: all readers accept the same, in the same order */
  fi;
  readers[reader].accepted++
}

#define last_accepted(reader) (readers[reader].accepted == 0 -> 0 : history[readers[reader].accepted - 1])

inline enter_history() {
  assert(!(in_history & bit(c)));              /* P3: once */
  assert(decided_on[c] == last_accepted(FIRST)); /* P4: decided on exactly what precedes it */
  assert(!(done & bit(command[c])));           /* P5: no command is done twice */
  /* P6: when an owner knows of its term, nothing of an older one is accepted any more: "not done" is definite */
  assert(!(role[0] == OWNER && readers[0].term > term[c]) && !(role[1] == OWNER && readers[1].term > term[c]));
  history[readers[FIRST].accepted] = c;
  in_history = in_history | bit(c);
  done = done | bit(command[c]);
  promised = promised & ~bit(c)
#ifdef THREE_TERMS_IN_HISTORY
  assert(readers[FIRST].accepted < 2 || term[history[0]] == term[history[1]] || term[history[1]] == term[c]);
#endif
}

/* ---- the log, and who only reads it */

/* FIRST and LATE read a record when it lands: what they reach depends on the log alone, not on when they read it. Who
 * reads it later is then where FIRST is now, so a record that changes nothing for FIRST changes nothing for anybody: it
 * is not kept. So records may land as often as they like. (A claim's first landing is kept: its writer waits for it.)
 */
inline append(r) {
  old_term = readers[FIRST].term;
  old_next = readers[FIRST].next;
  old_collecting = readers[FIRST].collecting;
  read_record(FIRST, r);
  if
  :: verdict == TERM_STARTED || verdict == GAP -> assert(promised == 0) /* P7: what somebody was told stays true */
  :: else
  fi;
  if
  :: old_term != readers[FIRST].term || old_next != readers[FIRST].next ||
     old_collecting != readers[FIRST].collecting || (verdict == IGNORED && !(landed & bit(r))) ->
    log[length] = r;
    length++
  :: else
  fi;
  if
  :: is_claim(r) -> landed = landed | bit(r)
  :: else
  fi;
  read_late(r, length);
  assert(readers[LATE].accepted == readers[FIRST].accepted); /* P8: a saved position is enough to go on from */
  c = 0; p = 0
}

inline read_late(r, next_offset) {
  read_record(LATE, r);
#ifndef POSITION_IN_A_COMMIT
  if
  :: readers[LATE].collecting == 0 ->
#endif
    saved_offset = next_offset;
    saved.term = readers[LATE].term;
    saved.next = readers[LATE].next;
    saved.accepted = readers[LATE].accepted
#ifndef POSITION_IN_A_COMMIT
  :: else
  fi
#endif
}

inline restart_late_reader() {
  readers[LATE].term = saved.term;
  readers[LATE].next = saved.next;
  readers[LATE].accepted = saved.accepted;
  readers[LATE].collecting = 0;
#ifdef POSITION_WITHOUT_TERM
  readers[LATE].term = 0;
  readers[LATE].next = 1;
#endif
#ifdef POSITION_WITHOUT_COMMIT
  readers[LATE].next = 1;
#endif
  o = saved_offset;
  do
  :: o < length -> read_late(log[o], o + 1); o++
  :: else -> break
  od;
  c = 0; p = 0; o = 0
}

/* ---- writers */

mtype = { STANDBY, CLAIMING, OWNER };
mtype role[2] = STANDBY;
byte my_claim[2];  /* while claiming */
byte my_next[2];   /* number of the next commit of my term; while owner, as what follows */
byte head[2];      /* the last commit of the speculative history: confirmed and in flight */
byte in_flight[2]; /* commands decided in this term */

inline give_up(me) {
  role[me] = STANDBY;
  my_claim[me] = 0;
#ifndef SPECULATION_KEPT
  head[me] = 0;
#endif
  in_flight[me] = 0;
  my_next[me] = 0
}

inline claim(me) {
  claims++;
  term_of_claim[claims] = readers[me].term + 1;
  my_claim[me] = claims;
  role[me] = CLAIMING;
#ifdef SERVE_BEFORE_READ_BACK
  become_owner(me)
#endif
}

inline become_owner(me) {
  role[me] = OWNER;
  my_claim[me] = 0;
  my_next[me] = 1;
#ifdef SPECULATION_KEPT
  if
  :: head[me] == 0 -> head[me] = last_accepted(me)
  :: else
  fi
#else
  head[me] = last_accepted(me)
#endif
}

inline own_or_yield(me, r) {
  if
  :: role[me] == CLAIMING && r == my_claim[me] ->
    if
#ifdef IGNORED_CLAIM_OWNS
    :: true -> become_owner(me)
#else
    :: verdict == TERM_STARTED -> become_owner(me)
    :: else -> give_up(me)
#endif
    fi
  :: role[me] == OWNER && verdict == TERM_STARTED -> give_up(me)
  :: else
  fi
}

inline tell(commit) {
  if
  :: commit != 0 && !(in_history & bit(commit)) -> promised = promised | bit(commit)
  :: else
  fi
}

inline writer_reads(me) {
  read_record(me, log[offset[me]]);
#ifdef TWO_OWNERS
  assert(!(verdict == ACCEPTED && role[me] == OWNER && role[1 - me] == OWNER && in_flight[1 - me] != 0));
#endif
  if
  :: verdict == TERM_STARTED || verdict == IGNORED -> own_or_yield(me, log[offset[me]])
  :: verdict == ACCEPTED ->
    known[me] = known[me] | bit(command[c]);
    if
    :: role[me] == OWNER -> tell(c)
    :: else
    fi
  :: verdict == GAP && role[me] == OWNER -> give_up(me)
  :: else
  fi;
  offset[me]++;
  c = 0; p = 0
}

#ifdef COMMAND_FORGOTTEN
#define is_known(me, cmd) false
#else
#define is_known(me, cmd) (known[me] & bit(cmd))
#endif
#ifdef IN_FLIGHT_FORGOTTEN
#define is_in_flight(me, cmd) false
#else
#define is_in_flight(me, cmd) (in_flight[me] & bit(cmd))
#endif
#define is_new(me, cmd) (!is_known(me, cmd) && !is_in_flight(me, cmd))

#ifdef SERVE_BEFORE_READ_BACK
#define my_term(me) (term_of_claim[claims])
#else
#define my_term(me) (readers[me].term)
#endif

/* Any command may come to any writer, at any time and again: clients and topics repeat what got no answer. */
inline decide(me, cmd, records) {
  commits++;
  term[commits] = my_term(me);
  number[commits] = my_next[me];
  parts[commits] = records;
  command[commits] = cmd;
  decided_on[commits] = head[me];
  seen = (seen > cmd -> seen : cmd);
  my_next[me]++;
  head[me] = commits;
  in_flight[me] = in_flight[me] | bit(cmd)
#ifdef ANSWER_BEFORE_READ_BACK
  ;
  tell(commits)
#endif
}

/* cmd <= seen + 1: by symmetry. */
#define may_decide(me, cmd) \
  (role[me] == OWNER && commits < COMMITS && cmd <= COMMANDS && cmd <= seen + 1 && is_new(me, cmd))
/* A refusal is told when all that it was decided on is confirmed; whether it is decided then or waits is the same. */
#ifdef REFUSE_AT_ONCE
#define may_refuse(me) (role[me] == OWNER)
#else
#define may_refuse(me) (role[me] == OWNER && head[me] == last_accepted(me))
#endif

proctype Writer(byte me) {
  do
  :: d_step { offset[me] < length -> writer_reads(me) }
  :: d_step { role[me] == STANDBY && claims < CLAIMS && (me == 0 || claims > 0) -> claim(me) } /* 0 first: symmetry */
  :: d_step { role[me] != STANDBY -> give_up(me) }
  :: d_step { may_decide(me, 1) -> decide(me, 1, 1) }
  :: d_step { may_decide(me, 1) -> decide(me, 1, 2) }
  :: d_step { may_decide(me, 2) -> decide(me, 2, 1) }
  :: d_step { may_decide(me, 2) -> decide(me, 2, 2) }
  :: d_step { may_decide(me, 3) -> decide(me, 3, 1) }
  :: d_step { may_decide(me, 3) -> decide(me, 3, 2) }
  :: d_step { may_refuse(me) -> tell(head[me]) }
  od
}

/* Whatever was produced may land at any time from then on, in any order, again, or never: also what a writer gave up.
 * (The log is never full but in mutants.) */
#define may_land(r) (is_produced(r) && length < MOST_KEPT)

proctype Network() {
  do
  :: d_step { may_land(1) -> append(1) }
  :: d_step { may_land(2) -> append(2) }
  :: d_step { may_land(3) -> append(3) }
  :: d_step { may_land(4) -> append(4) }
  :: d_step { may_land(5) -> append(5) }
  :: d_step { may_land(6) -> append(6) }
  :: d_step { may_land(7) -> append(7) }
  :: d_step { may_land(8) -> append(8) }
  :: d_step { may_land(9) -> append(9) }
  :: d_step { may_land(10) -> append(10) }
  :: d_step { may_land(11) -> append(11) }
  :: d_step { may_land(12) -> append(12) }
  :: d_step { restart_late_reader() }
  od
}

init {
  atomic {
    for (c : 0 .. 3) {
      readers[c].next = 1
    }
    saved.next = 1;
    c = 0;
    run Writer(0);
    run Writer(1);
    run Network()
  }
}
