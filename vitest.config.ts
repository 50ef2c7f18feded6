/**
 * How the tests run: from the sources (no build in between), each file in a process of its own, two at a
 * time on a two-core machine, since the backends under test bring threads of their own.
 */
import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url))

export default defineConfig({
  resolve: { alias: { glissade: here('./packages/glissade/src/index.ts') } },
  test: {
    include: ['packages/*/test/**/*.test.ts', 'examples/test/**/*.test.ts', 'bench/test/**/*.test.ts'],
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 60_000,
    hookTimeout: 60_000,
    teardownTimeout: 10_000,
    reporters: process.env.GLISSADE_TEST_REPORT
      ? ['default', ['json', { outputFile: process.env.GLISSADE_TEST_REPORT }]]
      : ['default'],
  },
})
