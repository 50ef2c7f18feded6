/**
 * The C runtime: a pool of POSIX threads that walks a program's tape of launches. Compiled once per
 * machine and cached like any program; it knows no kernels, only their addresses.
 *
 * A tape is a list of segments: one launch cut into chunks of tasks that the threads share out, or
 * several small launches that one thread runs in a row. Every thread walks the whole tape. The chunks
 * of a segment lie in as many lanes as there are threads: a thread claims those of its own lane by
 * counting `next` up, then those of the others, then waits until `done` says that all are finished. So
 * it meets the same part of an array in kernel after kernel and run after run, in its own cache. All
 * counters carry the number of the run (`epoch`), so a thread that comes late finds its claims refused
 * and no run waits for sleepers. Threads spin briefly, then sleep. Which thread runs a task decides
 * nothing about results.
 *
 * Launches are repeated in loops, where buffers move from turn to turn. A loop of small launches only
 * is part of a segment; any other turns over segments, whose counters then count on from turn to turn.
 * Each thread keeps its own turns, and works out for itself where the buffers are.
 * Next: native.ts, which lays the tape out.
 */

export const runtimeSource = `#define _GNU_SOURCE
#include <dlfcn.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

/* How long a waiting thread spins before it sleeps: a few times what waking it up would cost. */
#define SPIN_NS 100000
#define MAX_THREADS 256
#define HUGE_PAGE ((size_t)2 << 20)

#if defined(__x86_64__)
#define PAUSE() __builtin_ia32_pause()
#elif defined(__aarch64__)
#define PAUSE() __asm__ volatile("yield")
#else
#define PAUSE() ((void)0)
#endif

typedef void (*kernel_fn)(char *const *buffers, int64_t task, void *scratch);

/* In turn t of the repeat, buffer 'slot' is (first + t * step) mod rows strides further. */
struct move { int64_t slot, repeat, first, step, rows, stride; };
struct launch { kernel_fn fn; int64_t tasks; char **buffers; int64_t slots, moves; struct move *move; };
struct fixup { int64_t slot, argument, start; };

/* From 'first' to before 'end', 'count' times; 'skip' is the next loop that does not lie in this one. */
struct repeat { int64_t first, end, count, skip, number; };

/* A share of a segment's chunks, in a row: where one thread begins. */
struct lane { _Alignas(64) _Atomic uint64_t next; /* epoch << 32 | chunks claimed, in all turns */ };

struct segment {
  _Alignas(64) _Atomic uint64_t done; /* epoch << 32 | chunks finished, in all turns */
  _Atomic uint64_t ended;             /* the same, where times are wanted */
  struct lane *lanes;
  int64_t lane_count, first, launches, chunks, chunk, repeat;
};

/* Segments, and loops over segments. */
struct tape {
  struct program *program;
  struct segment *segments;
  struct lane *lanes; /* of all segments */
  struct repeat *repeats;
  int64_t count, lane_count;
  double *times, last;
};

struct program {
  struct pool *pool;
  struct launch *launches;
  int64_t count;
  char **slots;
  struct fixup *fixups;
  int64_t fixup_count;
  struct move *moves;
  struct repeat *repeats; /* over launches */
  int64_t repeat_count, most_slots;
  struct fixup *arena_fixups;
  int64_t arena_fixup_count;
  char *arena; /* where the slots say that the pool's arena is */
  size_t arena_size, scratch;
  struct tape run, profile;
};

struct worker {
  _Alignas(64) struct pool *pool;
  int index;
  char *scratch;
  size_t size;
  int64_t *turns;  /* of each repeat of the program */
  char **buffers;  /* of a launch, where they have moved to */
  int64_t turn_room, buffer_room;
  pthread_t id;
};

struct pool {
  int threads;
  uint32_t last_epoch;
  _Atomic uint32_t epoch;
  _Atomic(struct tape *) job;
  _Atomic int inside, sleepers, stop;
  _Atomic uint64_t scratch_bytes; /* and the arena */
  char *arena;                    /* of whichever program runs: one at a time does */
  size_t arena_size;
  int64_t programs;
  pthread_mutex_t mutex;
  pthread_cond_t cond;
  struct worker workers[MAX_THREADS];
};

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1e9 + t.tv_nsec;
}

static void *allocate(size_t bytes) {
  void *p = NULL;
  int huge = bytes >= 2 * HUGE_PAGE;
  size_t align = huge ? HUGE_PAGE : 64;
  if (posix_memalign(&p, align, (bytes + align - 1) / align * align)) return NULL;
#if defined(MADV_HUGEPAGE)
  if (huge) madvise(p, bytes, MADV_HUGEPAGE);
#endif
  return p;
}

static int ensure_scratch(struct worker *w, size_t bytes) {
  if (w->size >= bytes) return 1;
  free(w->scratch);
  atomic_fetch_sub(&w->pool->scratch_bytes, w->size);
  w->scratch = allocate(bytes);
  w->size = w->scratch ? bytes : 0;
  atomic_fetch_add(&w->pool->scratch_bytes, w->size);
  return w->scratch != NULL;
}

static void free_arena(struct pool *pool) {
  free(pool->arena);
  atomic_fetch_sub(&pool->scratch_bytes, pool->arena_size);
  pool->arena = NULL;
  pool->arena_size = 0;
}

/* Makes the pool's arena large enough for p, and tells p where it is. */
static int ensure_arena(struct program *p) {
  struct pool *pool = p->pool;
  if (pool->arena_size < p->arena_size) {
    free_arena(pool);
    pool->arena = allocate(p->arena_size);
    if (!pool->arena) return 0;
    pool->arena_size = p->arena_size;
    atomic_fetch_add(&pool->scratch_bytes, pool->arena_size);
  }
  if (p->arena != pool->arena)
    for (int64_t i = 0; i < p->arena_fixup_count; i++)
      p->slots[p->arena_fixups[i].slot] = pool->arena + p->arena_fixups[i].start;
  p->arena = pool->arena;
  return 1;
}

/* Makes room for what a thread needs to run p. */
static int ensure(struct worker *w, struct program *p) {
  if (w->turn_room < p->repeat_count) {
    free(w->turns);
    w->turns = calloc(p->repeat_count, sizeof *w->turns);
    w->turn_room = w->turns ? p->repeat_count : 0;
    if (!w->turns) return 0;
  }
  if (w->buffer_room < p->most_slots) {
    free(w->buffers);
    w->buffers = calloc(p->most_slots, sizeof *w->buffers);
    w->buffer_room = w->buffers ? p->most_slots : 0;
    if (!w->buffers) return 0;
  }
  return ensure_scratch(w, p->scratch);
}

/* Whether 'limit' chunks are done, or the run is over. */
static int finished(struct segment *s, uint32_t epoch, uint64_t limit) {
  uint64_t word = atomic_load(&s->done);
  return (uint32_t)(word >> 32) != epoch || (uint32_t)word >= limit;
}

static int called(struct pool *pool, uint32_t seen) {
  return atomic_load(&pool->epoch) != seen || atomic_load(&pool->stop);
}

/* Spins, then sleeps, until so much of the segment is finished or (without one) a new run is called. */
static void wait_for(struct pool *pool, struct segment *s, uint32_t epoch, uint64_t limit) {
  double until = 0;
  for (;;) {
    for (int i = 0; i < 64; i++) {
      if (s ? finished(s, epoch, limit) : called(pool, epoch)) return;
      PAUSE();
    }
    double t = now();
    if (until == 0) until = t + SPIN_NS;
    if (t > until) break;
  }
  pthread_mutex_lock(&pool->mutex);
  atomic_fetch_add(&pool->sleepers, 1);
  while (!(s ? finished(s, epoch, limit) : called(pool, epoch))) pthread_cond_wait(&pool->cond, &pool->mutex);
  atomic_fetch_sub(&pool->sleepers, 1);
  pthread_mutex_unlock(&pool->mutex);
}

static void wake(struct pool *pool) {
  if (atomic_load(&pool->sleepers) == 0) return;
  pthread_mutex_lock(&pool->mutex);
  pthread_cond_broadcast(&pool->cond);
  pthread_mutex_unlock(&pool->mutex);
}

static void run_tasks(struct program *p, int64_t launch, int64_t from, int64_t to, struct worker *w) {
  struct launch *l = &p->launches[launch];
  char **buffers = l->buffers;
  if (l->moves) {
    buffers = memcpy(w->buffers, l->buffers, l->slots * sizeof *buffers);
    for (int64_t i = 0; i < l->moves; i++) {
      struct move *m = &l->move[i];
      buffers[m->slot] += (m->first + w->turns[m->repeat] * m->step) % m->rows * m->stride;
    }
  }
  for (int64_t task = from; task < to; task++) l->fn(buffers, task, w->scratch);
}

/* Launches with the loops among them, of which 'repeat' is the first. */
static void run_launches(struct program *p, int64_t from, int64_t end, int64_t repeat, struct worker *w) {
  for (int64_t i = from; i < end;) {
    struct repeat *r = &p->repeats[repeat];
    if (r->first != i || r->end > end) {
      run_tasks(p, i, 0, p->launches[i].tasks, w);
      i++;
      continue;
    }
    for (int64_t turn = 0; turn < r->count; turn++) {
      w->turns[r->number] = turn;
      run_launches(p, i, r->end, repeat + 1, w);
    }
    i = r->end;
    repeat = r->skip;
  }
}

static void run_chunk(struct program *p, struct segment *s, int64_t n, struct worker *w) {
  if (s->chunks == 1) {
    run_launches(p, s->first, s->first + s->launches, s->repeat, w);
    return;
  }
  int64_t tasks = p->launches[s->first].tasks;
  int64_t from = n * s->chunk;
  run_tasks(p, s->first, from, from + s->chunk > tasks ? tasks : from + s->chunk, w);
}

/* A whole turn of a lane ends where the next lane's begins. */
static int64_t lane_start(struct segment *s, int64_t lane) { return lane * s->chunks / s->lane_count; }

/* Claims chunks of a lane and runs them, until none is left; 0 where the run is over. */
static int walk_lane(struct tape *tape, int64_t i, int64_t lane, uint64_t turn, uint32_t epoch, struct worker *w) {
  struct segment *s = &tape->segments[i];
  struct lane *l = &s->lanes[lane];
  int64_t start = lane_start(s, lane), chunks = lane_start(s, lane + 1) - start;
  uint64_t word = atomic_load(&l->next);
  for (;;) {
    if ((uint32_t)(word >> 32) != epoch) return 0;
    uint64_t n = (uint32_t)word;
    if (n >= (turn + 1) * chunks) return 1;
    if (!atomic_compare_exchange_weak(&l->next, &word, word + 1)) continue;
    run_chunk(tape->program, s, start + n - turn * chunks, w);
    uint64_t limit = (turn + 1) * s->chunks;
    if (tape->times) {
      /* Whoever finishes says when: a thread that the machine has put aside would say it late. */
      double t = now();
      if ((uint32_t)atomic_fetch_add(&s->ended, 1) + 1 == limit) {
        tape->times[i] += t - tape->last;
        tape->last = t;
      }
    }
    if ((uint32_t)atomic_fetch_add(&s->done, 1) + 1 == limit) wake(w->pool);
    word = atomic_load(&l->next);
  }
}

/* Does its part of a segment and waits for the others; 0 where the run is over. 'turn' counts through all loops. */
static int walk_segment(struct tape *tape, int64_t i, uint64_t turn, uint32_t epoch, struct worker *w) {
  struct segment *s = &tape->segments[i];
  for (int64_t k = 0; k < s->lane_count; k++)
    if (!walk_lane(tape, i, (w->index + k) % s->lane_count, turn, epoch, w)) return 0;
  wait_for(w->pool, s, epoch, (turn + 1) * s->chunks);
  return 1;
}

static int walk(struct tape *tape, int64_t from, int64_t end, int64_t repeat, uint64_t turn, uint32_t epoch,
                struct worker *w) {
  for (int64_t i = from; i < end;) {
    struct repeat *r = &tape->repeats[repeat];
    if (r->first != i || r->end > end) {
      if (!walk_segment(tape, i++, turn, epoch, w)) return 0;
      continue;
    }
    for (int64_t t = 0; t < r->count; t++) {
      w->turns[r->number] = t;
      if (!walk(tape, i, r->end, repeat + 1, turn * r->count + t, epoch, w)) return 0;
    }
    i = r->end;
    repeat = r->skip;
  }
  return 1;
}

static void *work(void *data) {
  struct worker *w = data;
  struct pool *pool = w->pool;
  uint32_t seen = 0;
  for (;;) {
    wait_for(pool, NULL, seen, 0);
    if (atomic_load(&pool->stop)) return NULL;
    atomic_fetch_add(&pool->inside, 1);
    seen = atomic_load(&pool->epoch);
    struct tape *tape = atomic_load(&pool->job);
    if (tape && ensure(w, tape->program)) walk(tape, 0, tape->count, 0, 0, seen, w);
    atomic_fetch_sub(&pool->inside, 1);
  }
}

/* Threads sleep in this code for as long as the process lives: it must never be unmapped. */
static void pin(void) {
#if defined(RTLD_NODELETE)
  Dl_info info;
  if (dladdr((void *)&work, &info) && info.dli_fname) dlopen(info.dli_fname, RTLD_NOW | RTLD_NODELETE);
#endif
}

struct pool *glissade_pool(int threads) {
  pin();
  struct pool *pool = allocate(sizeof *pool);
  if (!pool) return NULL;
  *pool = (struct pool){.threads = 1};
  pthread_mutex_init(&pool->mutex, NULL);
  pthread_cond_init(&pool->cond, NULL);
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  for (int i = 0; i < threads && i < MAX_THREADS; i++) {
    struct worker *w = &pool->workers[i];
    *w = (struct worker){.pool = pool, .index = i};
    if (i > 0 && pthread_create(&w->id, NULL, work, w)) break;
    pool->threads = i + 1;
  }
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  return pool;
}

int glissade_threads(struct pool *pool) { return pool->threads; }
double glissade_scratch_bytes(struct pool *pool) { return (double)atomic_load(&pool->scratch_bytes); }

void glissade_pool_free(struct pool *pool) {
  pthread_mutex_lock(&pool->mutex);
  atomic_store(&pool->stop, 1);
  pthread_cond_broadcast(&pool->cond);
  pthread_mutex_unlock(&pool->mutex);
  for (int i = 0; i < pool->threads; i++) {
    if (i > 0) pthread_join(pool->workers[i].id, NULL);
    free(pool->workers[i].scratch);
    free(pool->workers[i].turns);
    free(pool->workers[i].buffers);
  }
  free(pool->arena);
  pthread_cond_destroy(&pool->cond);
  pthread_mutex_destroy(&pool->mutex);
  free(pool);
}

/* Loops, and one more that never begins. */
static struct repeat *lay_repeats(int64_t count, const double *words) {
  struct repeat *repeats = calloc(count + 1, sizeof *repeats);
  if (!repeats) return NULL;
  for (int64_t i = 0; i < count; i++, words += 5)
    repeats[i] = (struct repeat){words[0], words[1], words[2], words[3], words[4]};
  repeats[count].first = -1;
  return repeats;
}

static int64_t lanes_of(struct pool *pool, int64_t chunks) {
  return chunks < pool->threads ? chunks : pool->threads;
}

static int lay_tape(struct tape *tape, struct program *p, int64_t count, int64_t repeats, const double *words) {
  tape->program = p;
  tape->count = count;
  for (int64_t i = 0; i < count; i++) tape->lane_count += lanes_of(p->pool, words[i * 5 + 2]);
  tape->segments = allocate((count + 1) * sizeof(struct segment));
  tape->lanes = allocate((tape->lane_count + 1) * sizeof(struct lane));
  tape->repeats = lay_repeats(repeats, words + count * 5);
  if (!tape->segments || !tape->lanes || !tape->repeats) return 0;
  struct lane *lane = tape->lanes;
  for (int64_t i = 0; i < count; i++, words += 5) {
    struct segment *s = &tape->segments[i];
    *s = (struct segment){.lanes = lane, .lane_count = lanes_of(p->pool, words[2]), .first = words[0],
                          .launches = words[1], .chunks = words[2], .chunk = words[3], .repeat = words[4]};
    lane += s->lane_count;
  }
  return 1;
}

void glissade_program_free(struct program *p) {
  /* No run is under way; a late thread may still be looking at this tape, and leaves at once. */
  struct tape *job = atomic_load(&p->pool->job);
  if (job == &p->run || job == &p->profile) atomic_store(&p->pool->job, NULL);
  while (atomic_load(&p->pool->inside)) PAUSE();
  if (--p->pool->programs == 0) free_arena(p->pool);
  free(p->launches);
  free(p->slots);
  free(p->fixups);
  free(p->arena_fixups);
  free(p->moves);
  free(p->repeats);
  free(p->run.segments);
  free(p->profile.segments);
  free(p->run.lanes);
  free(p->profile.lanes);
  free(p->run.repeats);
  free(p->profile.repeats);
  free(p->profile.times);
  free(p);
}

/*
 * words: how many launches, slots, moves, loops over launches, segments, loops over segments, and both again for the
 * profile; the most slots of a launch; scratch bytes, arena bytes. Then for each launch [function, tasks, first slot,
 * slots, first move, moves]; for each slot [an arena offset, or -1 - argument; bytes from there]; for each move
 * [slot, repeat, first, step, rows, stride]; loops; then twice segments and loops. Five words for a loop: [first, end,
 * count, skip, repeat]; five for a segment: [first, launches, chunks, chunk, first loop in it]. Numbers arrive as
 * doubles: all are whole and below 2^53.
 */
struct program *glissade_program(struct pool *pool, const double *words) {
  struct program *p = calloc(1, sizeof *p);
  if (!p) return NULL;
  int64_t count = words[0], slots = words[1], moves = words[2], repeats = words[3];
  int64_t segments = words[4], spans = words[5], profile = words[6], profile_spans = words[7];
  p->pool = pool;
  pool->programs++;
  p->count = count;
  p->repeat_count = repeats;
  p->most_slots = words[8];
  p->scratch = words[9];
  p->arena_size = (size_t)words[10] + 64;
  p->launches = calloc(count + 1, sizeof *p->launches);
  p->slots = calloc(slots + 1, sizeof *p->slots);
  p->fixups = calloc(slots + 1, sizeof *p->fixups);
  p->moves = calloc(moves + 1, sizeof *p->moves);
  p->profile.times = calloc(profile + 1, sizeof(double));
  p->arena_fixups = calloc(slots + 1, sizeof *p->arena_fixups);
  /* A run of another program may be under way in the arena, so it grows at the next run; whether it can is known now. */
  char *probe = allocate(p->arena_size);
  free(probe);
  const double *launch = words + 11, *slot = launch + count * 6, *move = slot + slots * 2, *repeat = move + moves * 6;
  const double *run = repeat + repeats * 5, *timed = run + (segments + spans) * 5;
  p->repeats = lay_repeats(repeats, repeat);
  if (!p->launches || !p->slots || !p->fixups || !p->moves || !p->repeats || !p->profile.times || !p->arena_fixups || !probe ||
      !lay_tape(&p->run, p, segments, spans, run) || !lay_tape(&p->profile, p, profile, profile_spans, timed)) {
    glissade_program_free(p);
    return NULL;
  }
  for (int64_t i = 0; i < moves; i++, move += 6)
    p->moves[i] = (struct move){move[0], move[1], move[2], move[3], move[4], move[5]};
  for (int64_t i = 0; i < count; i++, launch += 6)
    p->launches[i] = (struct launch){(kernel_fn)(uintptr_t)launch[0], launch[1], p->slots + (int64_t)launch[2],
                                     launch[3], launch[5], p->moves + (int64_t)launch[4]};
  for (int64_t i = 0; i < slots; i++, slot += 2) {
    if (*slot >= 0) p->arena_fixups[p->arena_fixup_count++] = (struct fixup){i, 0, slot[0] + slot[1]};
    else p->fixups[p->fixup_count++] = (struct fixup){i, -1 - (int64_t)slot[0], slot[1]};
  }
  return p;
}

static int run_tape(struct tape *tape, const double *arguments, int parallel) {
  struct program *p = tape->program;
  struct pool *pool = p->pool;
  struct worker *self = &pool->workers[0];
  if (!ensure(self, p) || !ensure_arena(p)) return 1;
  for (int64_t i = 0; i < p->fixup_count; i++) {
    struct fixup *f = &p->fixups[i];
    p->slots[f->slot] = (char *)(uintptr_t)arguments[f->argument] + f->start;
  }
  if (!tape->times && (!parallel || pool->threads == 1)) {
    run_launches(p, 0, p->count, 0, self);
    return 0;
  }
  uint32_t epoch = ++pool->last_epoch;
  for (int64_t i = 0; i < tape->count; i++) {
    atomic_store_explicit(&tape->segments[i].done, (uint64_t)epoch << 32, memory_order_relaxed);
    atomic_store_explicit(&tape->segments[i].ended, 0, memory_order_relaxed);
  }
  for (int64_t i = 0; i < tape->lane_count; i++)
    atomic_store_explicit(&tape->lanes[i].next, (uint64_t)epoch << 32, memory_order_relaxed);
  /* Whoever sees the new epoch of the pool sees all of these. */
  atomic_store(&pool->job, tape);
  atomic_store(&pool->epoch, epoch);
  wake(pool);
  walk(tape, 0, tape->count, 0, 0, epoch, self);
  return 0;
}

/* 0, or 1 where there is no memory for the arena or the scratch of this thread. */
int glissade_run(struct program *p, const double *arguments, int parallel) {
  return run_tape(&p->run, arguments, parallel);
}

/* The same, and milliseconds per launch, of all its turns. */
int glissade_profile(struct program *p, const double *arguments, double *times) {
  struct tape *tape = &p->profile;
  for (int64_t i = 0; i < tape->count; i++) tape->times[i] = 0;
  tape->last = now();
  if (run_tape(tape, arguments, 1)) return 1;
  for (int64_t i = 0; i < tape->count; i++) times[i] = tape->times[i] * 1e-6;
  return 0;
}
`
