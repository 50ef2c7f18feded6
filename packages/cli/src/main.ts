/**
 * The command `glissade`: what it is called with, and how it ends. Each command is one file in commands/; what they
 * print is made in terminal/.
 */
import { Command, InvalidArgumentError, Option } from 'commander'
import { GlissadeError } from 'glissade'
import { doctor } from './commands/doctor.ts'
import { inspect } from './commands/inspect.ts'
import { lab } from './commands/lab.ts'
import { predict } from './commands/predict.ts'
import { profile } from './commands/profile.ts'
import { runDigits } from './commands/run-digits.ts'

const version = '0.1.0'

function whole(least: number, what: string): (text: string) => number {
  return (text) => {
    const value = Number(text)
    if (!Number.isInteger(value) || value < least) throw new InvalidArgumentError(`Expected ${what}.`)
    return value
  }
}

function positive(text: string): number {
  const value = Number(text)
  if (!(value > 0 && value < Number.POSITIVE_INFINITY)) throw new InvalidArgumentError('Expected a number above 0.')
  return value
}

const backend = new Option('--backend <name>', 'where to compute').choices(['auto', 'native', 'wasm', 'reference'])
const threads = new Option('--threads <n>', 'how many threads share the work (default: one for each core)').argParser(
  whole(1, 'a whole number of at least 1'),
)

const program = new Command('glissade')
  .description('Deep learning in TypeScript: train, predict, and see what this machine can do.')
  .version(version)
  .showHelpAfterError('(glissade --help shows what there is)')

const run = program.command('run').description('train a network, and see what it learned')

run
  .command('digits')
  .description('train a convolutional network on 8,000 handwritten digits and test it on 2,000 others')
  .option('--epochs <n>', 'how many times to see each digit', whole(1, 'a whole number of at least 1'))
  .option('--batch <n>', 'how many digits make a step', whole(1, 'a whole number of at least 1'))
  .option('--lr <rate>', 'the highest learning rate', positive)
  .option('--seed <n>', 'where all random numbers start', whole(0, 'a whole number of at least 0'))
  .addOption(backend)
  .addOption(threads)
  .option('--out <folder>', 'where to save (default: ./runs/digits-<time>)')
  .option('--resume <folder>', 'go on where an interrupted run was saved')
  .option('--quiet', 'print only the result')
  .action(runDigits)

program
  .command('lab')
  .description('open the lab: a page in which networks train and every number can be seen')
  .option('--port <n>', 'where it listens; the next free one is taken', whole(0, 'a whole number of at least 0'), 4404)
  .option('--runs <folder>', 'also show the runs that were written into this folder')
  .option('--open', 'open it in the browser')
  .action(lab)

program
  .command('predict')
  .description('ask a saved model which digit is on an image (PNG, JPEG or PGM)')
  .argument('<model>', 'a model.safetensors, or the folder it is in')
  .argument('<image>', 'any size; dark on light or light on dark')
  .option('--json', 'print the probabilities as JSON')
  .addOption(backend)
  .action(predict)

program
  .command('inspect')
  .description('show what is in a model file: layers, shapes, parameters')
  .argument('<model>', 'a .safetensors file, or the folder it is in')
  .option('--json', 'print it as JSON')
  .action(inspect)

program
  .command('profile')
  .description('run a program, and show where its time goes: by kernel, by module, against the machine at its best')
  .argument('<program>', 'a .ts, .mjs or .js file, or the name of one in ./examples')
  .argument('[arguments...]', 'what the program is called with')
  .option('--steps <n>', 'how many steps an example makes', whole(1, 'a whole number of at least 1'), 10)
  .option('--top <n>', 'how many kernels and modules to show of each', whole(1, 'a whole number of at least 1'), 15)
  .option('--programs <n>', 'how many compiled programs to show', whole(1, 'a whole number of at least 1'), 3)
  .addOption(backend)
  .addOption(threads)
  .option('--json', 'print it as JSON')
  .action(profile)

program
  .command('doctor')
  .description('show which backends work here, why others do not, and how fast each is')
  .option('--json', 'print it as JSON')
  .action(doctor)

/** What went wrong, in words; the stack only for those who ask for it with DEBUG. */
function report(error: unknown): void {
  const known = error instanceof GlissadeError
  const text = error instanceof Error ? error.message : String(error)
  process.stderr.write(`glissade: ${text}\n`)
  if (process.env.DEBUG) process.stderr.write(`${error instanceof Error ? error.stack : ''}\n`)
  else if (!known) process.stderr.write('This should not have happened. DEBUG=1 shows where it did.\n')
}

// `glissade inspect … | head` closes the pipe before everything is printed
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0)
  throw error
})

try {
  await program.parseAsync()
} catch (error) {
  report(error)
  process.exitCode = 1
}
