/** The script of the page of wasm-browser.test.ts. */
import { trainBars, trainRows } from './training.ts'
import { doWork, working } from './work.ts'

Object.assign(globalThis, {
  doWork,
  trainBars,
  trainRows,
  /** Works, then looks whether the backend can be stopped and used no more. */
  stopWorking: async (): Promise<string> => {
    const backend = await working()
    await backend.dispose()
    return backend.compile({ kernels: [], launches: [], arguments: [], arenaBytes: 0, flops: 0, bytes: 0 }).then(
      () => 'still works',
      (error: Error) => error.message,
    )
  },
})
