/** What a process of its own does for wasm-process.test.ts: the last argument says what. */
import { Storage } from '../../src/storage.ts'
import { doWork, productPlan, working } from './work.ts'

const say = (value: unknown): void => console.log(JSON.stringify(value))

const deeds: Record<string, () => Promise<void>> = {
  /** Works and comes to its end without disposing of anything. */
  work: async () => say(await doWork({ threads: 2 })),
  /** Is ended by itself while its workers are busy. */
  leave: async () => {
    const executable = await (await working({ threads: 2 })).compile(productPlan(256, 50, 50))
    void executable.run([0, 1, 2].map(() => new Storage('float32', 256 * 256)))
    setTimeout(() => {
      say('left')
      process.exit(7)
    }, 30)
  },
}
await deeds[process.argv.at(-1) ?? '']?.()
