/**
 * The machine's own width: a small C program measures multiply-adds and reads, on one thread or several. It needs a
 * compiler, as the native backend does.
 */
import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { attempts, type Ceiling, levelBytes, type Missing, sampleMs } from './roofline.ts'

const run = promisify(execFile)

/**
 * Sums that do not wait for each other: as many as hide the latency of a multiply-add on two units (4 cycles each), with
 * room in 16 registers for the two factors.
 */
const chains = 12

const source = `
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#if defined(__AVX512F__)
enum { lanes = 16 };
static const char *name = "AVX-512";
#elif defined(__AVX__)
enum { lanes = 8 };
static const char *name = "AVX2";
#else
enum { lanes = 4 };
static const char *name = "128-bit vectors";
#endif
enum { chains = ${chains}, steps = 4096 };
typedef float v __attribute__((vector_size(4 * lanes)));
static double seconds(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec + 1e-9 * t.tv_nsec;
}
typedef struct { int adds; float *data; size_t bytes; double work; double from; double to; pthread_barrier_t *start; } task;
static v sink[256];
/* Nothing may be taken out of the loops that call these two. */
#define keep __asm__ volatile("" ::: "memory")
static v multiply_add(v factor, v term) {
  keep;
  v x[chains];
  for (int i = 0; i < chains; i++) x[i] = term * (float)i;
  for (int s = 0; s < steps; s++) {
#pragma GCC unroll ${chains}
    for (int i = 0; i < chains; i++) x[i] = x[i] * factor + term;
  }
  for (int i = 1; i < chains; i++) x[0] += x[i];
  return x[0];
}
static v read_all(const v *data, size_t count) {
  keep;
  v x[8] = {0};
  for (size_t s = 0; s + 8 <= count; s += 8) {
#pragma GCC unroll 8
    for (int i = 0; i < 8; i++) x[i] += data[s + i];
  }
  for (int i = 1; i < 8; i++) x[0] += x[i];
  return x[0];
}
static void *work(void *given) {
  task *t = given;
  v factor = (v){0} + 0.999f, term = (v){0} + 0.001f, sum = {0};
  if (t->adds) sum += multiply_add(factor, term); else sum += read_all((v *)t->data, t->bytes / sizeof(v));
  pthread_barrier_wait(t->start);
  double done = 0, end = seconds() + ${sampleMs / 1000};
  t->from = seconds();
  do {
    if (t->adds) { sum += multiply_add(factor, term); done += 2.0 * lanes * chains * steps; }
    else { sum += read_all((v *)t->data, t->bytes / sizeof(v)); done += t->bytes; }
    t->to = seconds();
  } while (t->to < end);
  t->work = done;
  sink[((size_t)given / 64) % 256] = sum;
  return 0;
}
/* Work a second of all threads together, the best of several attempts. bytes: 0 for multiply-adds. */
static double measure(int threads, size_t bytes) {
  double best = 0;
  size_t own = bytes / threads / (8 * sizeof(v)) * (8 * sizeof(v));
  task *tasks = calloc(threads, sizeof(task));
  pthread_t *handles = calloc(threads, sizeof(pthread_t));
  pthread_barrier_t start;
  pthread_barrier_init(&start, 0, threads);
  for (int k = 0; k < threads; k++) {
    tasks[k] = (task){.adds = bytes == 0, .bytes = own, .start = &start};
    if (bytes && posix_memalign((void **)&tasks[k].data, 4096, own)) exit(1);
    /* pages that were never written are all the same one */
    if (bytes) memset(tasks[k].data, 1, own);
  }
  for (int attempt = 0; attempt < ${attempts}; attempt++) {
    double sum = 0;
    for (int k = 0; k < threads; k++) if (pthread_create(&handles[k], 0, work, &tasks[k])) exit(1);
    for (int k = 0; k < threads; k++) pthread_join(handles[k], 0);
    for (int k = 0; k < threads; k++) sum += tasks[k].work / (tasks[k].to - tasks[k].from);
    if (sum > best) best = sum;
  }
  for (int k = 0; k < threads; k++) free(tasks[k].data);
  return best;
}
int main(int count, char **args) {
  int threads = atoi(args[1]);
  printf("{\\"vectors\\": \\"%s\\", \\"flops\\": %.6g, \\"rates\\": [", name, measure(threads, 0));
  for (int i = 2; i < count; i++) printf("%s%.6g", i > 2 ? ", " : "", measure(threads, strtoull(args[i], 0, 10)));
  printf("]}\\n");
  return 0;
}
`

interface Measured {
  readonly vectors: string
  readonly flops: number
  readonly rates: readonly number[]
}

/** Ceilings for each of these numbers of threads, in the same order. */
export async function measureNative(threads: readonly number[]): Promise<(Ceiling | Missing)[]> {
  const folder = mkdtempSync(join(tmpdir(), 'glissade-roofline-'))
  try {
    const program = join(folder, 'roofline')
    const problem = await compileProgram(folder, program)
    if (problem !== undefined) return threads.map(() => ({ missing: problem }))
    const found: Ceiling[] = []
    for (const count of threads) {
      const { stdout } = await run(program, [String(count), ...levelBytes.map(String)])
      const { vectors, flops, rates } = JSON.parse(stdout) as Measured
      found.push({ vectors, threads: count, flops, levels: levelBytes.map((bytes, i) => ({ bytes, rate: rates[i] })) })
    }
    return found
  } catch (error) {
    return threads.map(() => ({ missing: (error as Error).message.split('\n')[0] }))
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** With the first compiler that works; the reason where none does. */
async function compileProgram(folder: string, program: string): Promise<string | undefined> {
  const file = join(folder, 'roofline.c')
  writeFileSync(file, source)
  const compilers = [process.env.CC, 'clang', 'gcc', 'cc'].filter((name): name is string => Boolean(name))
  for (const compiler of compilers) {
    for (const machine of ['-march=native', '-mcpu=native']) {
      const [name, ...args] = compiler.trim().split(/\s+/)
      const flags = ['-O2', machine, '-ffp-contract=fast', '-pthread', '-o', program, file]
      try {
        await run(name, [...args, ...flags])
        return undefined
      } catch {
        // the next one
      }
    }
  }
  return `no C compiler works here (tried ${compilers.join(', ')})`
}
