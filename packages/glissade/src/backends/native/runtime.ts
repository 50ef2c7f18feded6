/**
 * The C runtime: a pool of POSIX threads that walks a program's tape of launches. Compiled once per
 * machine and cached like any program; it knows no kernels, only their addresses.
 *
 * A tape is a list of segments: one launch cut into chunks of tasks that the threads share out, or
 * several small launches that one thread runs in a row. Every thread walks the whole tape: it claims
 * chunks of a segment by counting `next` up, then waits until `done` says that all are finished. Both
 * counters carry the number of the run (`epoch`), so a thread that comes late finds its claims refused
 * and no run waits for sleepers. Threads spin briefly, then sleep. Which thread runs a task decides
 * nothing about results. Next: native.ts, which lays the tape out.
 */

export const runtimeSource = `#define _GNU_SOURCE
#include <dlfcn.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
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

struct launch { kernel_fn fn; int64_t tasks; char **buffers; };
struct fixup { int64_t slot, argument; };

struct segment {
  _Alignas(64) _Atomic uint64_t next; /* epoch << 32 | chunks claimed */
  _Alignas(64) _Atomic uint64_t done; /* epoch << 32 | chunks finished */
  int64_t first, launches, chunks, chunk;
};

struct tape { struct program *program; struct segment *segments; int64_t count; double *times; };

struct program {
  struct pool *pool;
  struct launch *launches;
  int64_t count;
  char **slots;
  struct fixup *fixups;
  int64_t fixup_count;
  char *arena;
  size_t scratch;
  struct tape run, profile;
};

struct worker { _Alignas(64) struct pool *pool; int index; char *scratch; size_t size; pthread_t id; };

struct pool {
  int threads;
  uint32_t last_epoch;
  _Atomic uint32_t epoch;
  _Atomic(struct tape *) job;
  _Atomic int inside, sleepers, stop;
  _Atomic uint64_t scratch_bytes;
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

static int finished(struct segment *s, uint32_t epoch) {
  uint64_t word = atomic_load(&s->done);
  return (uint32_t)(word >> 32) != epoch || (uint32_t)word == s->chunks;
}

static int called(struct pool *pool, uint32_t seen) {
  return atomic_load(&pool->epoch) != seen || atomic_load(&pool->stop);
}

/* Spins, then sleeps, until the segment is finished or (without one) a new run is called. */
static void wait_for(struct pool *pool, struct segment *s, uint32_t epoch) {
  double until = 0;
  for (;;) {
    for (int i = 0; i < 64; i++) {
      if (s ? finished(s, epoch) : called(pool, epoch)) return;
      PAUSE();
    }
    double t = now();
    if (until == 0) until = t + SPIN_NS;
    if (t > until) break;
  }
  pthread_mutex_lock(&pool->mutex);
  atomic_fetch_add(&pool->sleepers, 1);
  while (!(s ? finished(s, epoch) : called(pool, epoch))) pthread_cond_wait(&pool->cond, &pool->mutex);
  atomic_fetch_sub(&pool->sleepers, 1);
  pthread_mutex_unlock(&pool->mutex);
}

static void wake(struct pool *pool) {
  if (atomic_load(&pool->sleepers) == 0) return;
  pthread_mutex_lock(&pool->mutex);
  pthread_cond_broadcast(&pool->cond);
  pthread_mutex_unlock(&pool->mutex);
}

static void run_chunk(struct program *p, struct segment *s, int64_t n, char *scratch) {
  for (int64_t i = s->first; i < s->first + s->launches; i++) {
    struct launch *l = &p->launches[i];
    int64_t from = s->chunks == 1 ? 0 : n * s->chunk;
    int64_t to = s->chunks == 1 || from + s->chunk > l->tasks ? l->tasks : from + s->chunk;
    for (int64_t task = from; task < to; task++) l->fn(l->buffers, task, scratch);
  }
}

static void walk(struct tape *tape, uint32_t epoch, struct worker *w) {
  struct pool *pool = w->pool;
  for (int64_t i = 0; i < tape->count; i++) {
    struct segment *s = &tape->segments[i];
    uint64_t word = atomic_load(&s->next);
    for (;;) {
      if ((uint32_t)(word >> 32) != epoch) return;
      int64_t n = (uint32_t)word;
      if (n >= s->chunks) break;
      if (!atomic_compare_exchange_weak(&s->next, &word, word + 1)) continue;
      run_chunk(tape->program, s, n, w->scratch);
      /* Whoever finishes says when: a thread that the machine has put aside would say it late. */
      if (tape->times) tape->times[i] = now();
      if ((uint32_t)atomic_fetch_add(&s->done, 1) + 1 == s->chunks) wake(pool);
      word = atomic_load(&s->next);
    }
    wait_for(pool, s, epoch);
  }
}

static void *work(void *data) {
  struct worker *w = data;
  struct pool *pool = w->pool;
  uint32_t seen = 0;
  for (;;) {
    wait_for(pool, NULL, seen);
    if (atomic_load(&pool->stop)) return NULL;
    atomic_fetch_add(&pool->inside, 1);
    seen = atomic_load(&pool->epoch);
    struct tape *tape = atomic_load(&pool->job);
    if (tape && ensure_scratch(w, tape->program->scratch)) walk(tape, seen, w);
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
  }
  pthread_cond_destroy(&pool->cond);
  pthread_mutex_destroy(&pool->mutex);
  free(pool);
}

static int lay_tape(struct tape *tape, struct program *p, int64_t count, const double *words) {
  tape->program = p;
  tape->count = count;
  tape->segments = allocate((count + 1) * sizeof(struct segment));
  if (!tape->segments) return 0;
  for (int64_t i = 0; i < count; i++, words += 4) {
    struct segment *s = &tape->segments[i];
    *s = (struct segment){.first = words[0], .launches = words[1], .chunks = words[2], .chunk = words[3]};
  }
  return 1;
}

void glissade_program_free(struct program *p) {
  /* No run is under way; a late thread may still be looking at this tape, and leaves at once. */
  struct tape *job = atomic_load(&p->pool->job);
  if (job == &p->run || job == &p->profile) atomic_store(&p->pool->job, NULL);
  while (atomic_load(&p->pool->inside)) PAUSE();
  free(p->launches);
  free(p->slots);
  free(p->fixups);
  free(p->arena);
  free(p->run.segments);
  free(p->profile.segments);
  free(p->profile.times);
  free(p);
}

/*
 * words: launches, slots, segments, profile segments, scratch bytes, arena bytes; then for each launch
 * [function, tasks, first slot]; for each slot an arena offset, or -1 - argument; then both lists of
 * segments, four words each. Numbers arrive as doubles: all are whole and below 2^53.
 */
struct program *glissade_program(struct pool *pool, const double *words) {
  struct program *p = calloc(1, sizeof *p);
  if (!p) return NULL;
  int64_t count = words[0], slots = words[1], segments = words[2], profile = words[3];
  size_t arena = words[5];
  p->pool = pool;
  p->count = count;
  p->scratch = words[4];
  p->launches = calloc(count + 1, sizeof *p->launches);
  p->slots = calloc(slots + 1, sizeof *p->slots);
  p->fixups = calloc(slots + 1, sizeof *p->fixups);
  p->profile.times = calloc(profile + 1, sizeof(double));
  p->arena = allocate(arena + 64);
  const double *tapes = words + 6 + count * 3 + slots;
  if (!p->launches || !p->slots || !p->fixups || !p->profile.times || !p->arena ||
      !lay_tape(&p->run, p, segments, tapes) || !lay_tape(&p->profile, p, profile, tapes + segments * 4)) {
    glissade_program_free(p);
    return NULL;
  }
  words += 6;
  for (int64_t i = 0; i < count; i++, words += 3)
    p->launches[i] = (struct launch){(kernel_fn)(uintptr_t)words[0], words[1], p->slots + (int64_t)words[2]};
  for (int64_t i = 0; i < slots; i++, words++) {
    if (*words >= 0) p->slots[i] = p->arena + (int64_t)*words;
    else p->fixups[p->fixup_count++] = (struct fixup){i, -1 - (int64_t)*words};
  }
  return p;
}

static int run_tape(struct tape *tape, const double *arguments, int parallel) {
  struct program *p = tape->program;
  struct pool *pool = p->pool;
  struct worker *self = &pool->workers[0];
  if (!ensure_scratch(self, p->scratch)) return 1;
  for (int64_t i = 0; i < p->fixup_count; i++)
    p->slots[p->fixups[i].slot] = (char *)(uintptr_t)arguments[p->fixups[i].argument];
  if (!parallel || pool->threads == 1) {
    for (int64_t i = 0; i < tape->count; i++) {
      struct segment *s = &tape->segments[i];
      for (int64_t n = 0; n < s->chunks; n++) run_chunk(p, s, n, self->scratch);
      if (tape->times) tape->times[i] = now();
    }
    return 0;
  }
  uint32_t epoch = ++pool->last_epoch;
  for (int64_t i = 0; i < tape->count; i++) {
    atomic_store(&tape->segments[i].done, (uint64_t)epoch << 32);
    atomic_store(&tape->segments[i].next, (uint64_t)epoch << 32);
  }
  atomic_store(&pool->job, tape);
  atomic_store(&pool->epoch, epoch);
  wake(pool);
  walk(tape, epoch, self);
  return 0;
}

/* 0, or 1 where there is no memory for the scratch of this thread. */
int glissade_run(struct program *p, const double *arguments, int parallel) {
  return run_tape(&p->run, arguments, parallel);
}

/* The same, and milliseconds per launch. */
int glissade_profile(struct program *p, const double *arguments, double *times) {
  double before = now();
  if (run_tape(&p->profile, arguments, 1)) return 1;
  for (int64_t i = 0; i < p->profile.count; i++) {
    times[i] = (p->profile.times[i] - before) * 1e-6;
    before = p->profile.times[i];
  }
  return 0;
}
`
