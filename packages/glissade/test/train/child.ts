/** A training process that is killed in the middle: train-resume.test.ts. Arguments: backend, optimizer, folder, step. */
import type { BackendName } from '../../src/run/backend.ts'
import { type OptimizerName, train } from './recipe.ts'

const [backend, optimizer, run, killAt] = process.argv.slice(2)
const trained = await train(backend as BackendName, optimizer as OptimizerName, {
  run,
  resume: true,
  checkpoint: { everySteps: 3 },
  on: {
    step: ({ steps }) => {
      if (steps === Number(killAt)) process.kill(process.pid, 'SIGKILL')
    },
  },
})
console.log(JSON.stringify(trained))
