/** `glissade predict`: shows the digit as the network sees it, and how sure it is of each answer. */
import { GlissadeError, io, setBackend, tensor } from 'glissade'
import { modelPath } from '../digits/run.ts'
import { readImage } from '../image/decode.ts'
import { fitDigit } from '../image/fit.ts'
import { drawBars } from '../terminal/charts.ts'
import { drawPicture, type Picture } from '../terminal/pixels.ts'
import { percent, terminalOf } from '../terminal/style.ts'

export interface PredictOptions {
  readonly json?: boolean
  readonly backend?: string
}

export async function predict(modelName: string, imageName: string, options: PredictOptions): Promise<void> {
  const terminal = terminalOf(process.stdout)
  await setBackend((options.backend ?? 'auto') as 'auto')
  const file = await modelPath(modelName)
  const { model } = await io.loadModel(file)
  const image = await readImage(imageName)
  const seen = fitDigit(image)
  const pixels = tensor(Float32Array.from(seen.pixels), { shape: [1, 1, seen.height, seen.width] })
  const answer = model.forward(pixels).softmax(-1)
  if (answer.rank !== 2) {
    const received = `a model whose output is [${answer.shape.join(', ')}]`
    throw new GlissadeError('shape-mismatch', {
      op: 'predict',
      received,
      expected: '[1, classes]',
      fix: 'Use a model that tells classes apart.',
    })
  }
  const shares = Array.from(await answer.data())
  const classes = shares.map((_, i) => String(i))
  const best = shares.indexOf(Math.max(...shares))
  if (options.json) {
    const probabilities = Object.fromEntries(shares.map((share, i) => [classes[i], share]))
    process.stdout.write(`${JSON.stringify({ model: file, image: imageName, answer: classes[best], probabilities })}\n`)
    return
  }
  const say = (line = ''): void => void process.stdout.write(`${line}\n`)
  say(terminal.colors.bold('what the network sees'))
  say()
  for (const line of drawPicture(seen, terminal)) say(line)
  say()
  if (isEmpty(seen)) say(terminal.colors.yellow('There is no ink on this picture; the answer means nothing.'))
  for (const line of drawBars(shares, classes, terminal)) say(line)
  say()
  say(`it is a ${terminal.colors.bold(classes[best])} (${percent(shares[best])} sure)`)
}

const isEmpty = ({ pixels }: Picture): boolean => Array.from(pixels).every((p) => p === 0)
