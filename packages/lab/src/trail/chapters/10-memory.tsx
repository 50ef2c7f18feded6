/** Chapter 10: memory: RNN, LSTM and GRU, trained in the page; state and gates through time; new names. */
import type { Chapter, Scene } from '../chapter.ts'
import { recentLoss } from '../scene.ts'
import { moment, press, slide } from '../stages/hands.ts'
import { echoLine, echoSpec, lastDot, recurrentSpec } from '../stages/names.ts'
import { memoryStage, tokensStage } from '../stages/sequence.tsx'

/** Names are learned when a letter costs less than this. */
const goal = 2.4
/** Lines are learned when a letter costs less than this; by chance the last letter alone would cost it 0.26. */
const echoGoal = 0.16

async function learn({ lab }: Scene): Promise<void> {
  lab.speed.value = 0
  await lab.train()
}

export const chapter: Chapter = {
  number: 10,
  id: 'memory',
  title: 'Memory',
  goal: 'RNN, LSTM and GRU learn letter by letter; look at gates and state.',
  cards: [
    {
      id: 'next',
      title: 'What comes next?',
      text: `
Read *m, i, c, h* and you expect an *a* or an *e*. This network is to learn the same from 3,600 first names: it reads one
letter at a time, and says how likely each letter is to come next. ▸ stands for the beginning, ⏎ for the end.

The bar under a letter says how likely the network thought it. The [[loss]] of a letter is minus the logarithm of that.`,
      spec: recurrentSpec('rnn'),
      stage: tokensStage({ next: true }, { text: 'michael', covered: 'all' }),
      bar: ['train', 'step', 'reset', 'speed'],
      predict: {
        kind: 'number',
        question:
          'There are 26 letters and the end. A network that knows nothing: how many percent does it give to each?',
        label: 'Percent',
        truth: () => 100 / 27,
        near: 0.7,
        reply: () => 'One of 27. A letter then costs $\\ln 27 \\approx 3.30$; that is where training begins.',
      },
      achieve: {
        text: `Train until a letter of the training names costs less than ${goal}.`,
        when: (scene) => recentLoss(scene) < goal,
        showMe: learn,
        done: 'It now knows which letters like one another. Type a name of your own: which of its letters came as a surprise?',
      },
    },
    {
      id: 'state',
      title: 'A state that goes along',
      text: `
How does it know what came before, if it sees one letter at a time? Beside the letter it is given its own [[state]] of the
step before: 32 numbers. Of both it makes the next state, $h = \\tanh(W x + U h' + b)$. That is a **recurrent network**, an
RNN.

In the map a column is the state after a letter, a row one of the 32 numbers. Below: one of them, with its sum.`,
      spec: recurrentSpec('rnn'),
      trained: 1200,
      stage: memoryStage({ maps: true, sums: true }, { text: 'anna', covered: { sums: true } }),
      predict: {
        kind: 'choice',
        question: '*anna* has two *n*. Is the state after both the same?',
        options: [
          {
            text: 'Yes: the same letter, the same numbers',
            reply: 'The letter is the same, but the state before is not, and it takes part in the sum.',
          },
          {
            text: 'No: what came before is different',
            right: true,
            reply: 'Yes. After the first *n* it remembers *a*, after the second *an*.',
          },
        ],
      },
      achieve: {
        text: 'Choose one place of *n* and then the other, and compare the numbers in the sum. (Any other name with a letter twice will do.)',
        when: (scene) => scene.fact('twice') === 1,
        showMe: async ({ lab }) => {
          for (const place of [2, 3]) {
            lab.selection.time.value = place
            await moment()
          }
        },
        done: 'The part of the letter is the same both times; the part of the state is not. That difference is all its memory.',
      },
    },
    {
      id: 'fade',
      title: 'Errors fade on the way back',
      text: `
A harder task, nothing but memory: a letter, thirteen dots, and then *the same letter again*. To learn it, the error at the
last dot must tell the first step what it should have kept.

On its way it passes through every step, and each multiplies it by weights and slopes below 1. This network has not been
trained yet.`,
      spec: echoSpec('rnn'),
      stage: memoryStage({ reach: true }, { text: echoLine, at: 0, covered: 'all' }),
      predict: {
        kind: 'choice',
        question: 'How much of the error at the last dot arrives at the first letter?',
        options: [
          {
            text: 'About half',
            reply:
              'If each step halved it, a half to the power of 13 were left: one part in 8,000. It is of that kind.',
          },
          {
            text: 'About a thirteenth',
            reply: 'It does not shrink by the same amount at each step but by the same *factor*.',
          },
          {
            text: 'Less than a thousandth',
            right: true,
            reply: 'Yes. A factor below 1, thirteen times over, leaves next to nothing.',
          },
        ],
      },
      achieve: {
        text: 'Look at the last dot, and at the first letter’s bar. How many fifths of the height are missing?',
        when: (scene) => scene.lab.selection.time.value === lastDot && (scene.fact('ratio') ?? 1) < 1e-3,
        showMe: ({ lab }) => {
          lab.selection.time.value = lastDot
        },
        done: 'Each fifth is a power of ten. This is the **vanishing gradient**: what is long ago is hardly ever learned from.',
      },
    },
    {
      id: 'gates',
      title: 'Gates: keep, let in, show',
      text: `
An **LSTM** has a second memory, the **cell**, and three gates with values from 0 to 1: *forget* says how much of the cell is
kept, *input* how much of the new is let in, *output* how much is shown.

$$c = f \\cdot c' + i \\cdot g \\qquad h = o \\cdot \\tanh(c)$$

The same task, a letter after thirteen dots. It takes some two thousand steps, a few seconds; for a while nothing seems to
happen.`,
      spec: echoSpec('lstm'),
      stage: memoryStage({ maps: true }, { text: echoLine, covered: 'all' }),
      bar: ['train', 'step', 'reset'],
      predict: {
        kind: 'choice',
        question: 'If the forget gate is 1 and the input gate 0, what happens to the cell?',
        options: [
          { text: 'It is emptied', reply: 'The name misleads: 1 means keep all of it. At 0 it would be emptied.' },
          {
            text: 'It stays as it is',
            right: true,
            reply: 'Yes: one times what was, and nothing new. And going back, the error is multiplied by 1.',
          },
          {
            text: 'It is shown',
            reply: 'Showing is the output gate’s part. Keeping is done here: one times what was.',
          },
        ],
      },
      achieve: {
        text: `Train until the loss is below ${echoGoal}: then it repeats the letter.`,
        when: (scene) => recentLoss(scene) < echoGoal,
        showMe: learn,
        done: 'Look at the cell: it does not begin anew at each dot. Some rows hold what the first letter put there, others grow with each dot: they count.',
      },
    },
    {
      id: 'hold',
      title: 'Where is it stored?',
      text: `
Look for a unit that holds on to its cell while the dots go by, and read its sum: $c = f \\cdot c' + i \\cdot g$. Type
another first letter, and see which rows take another colour, and keep it.

And the error? It now finds its way back.`,
      spec: echoSpec('lstm'),
      trained: 2200,
      stage: memoryStage(
        { maps: true, only: ['f', 'i', 'cell'], lines: true, sums: true, reach: true },
        { text: echoLine },
      ),
      achieve: {
        text: 'Choose a unit and one of the dots at which its forget gate lets through more than 0.95.',
        when: (scene) => {
          const at = scene.lab.selection.time.value
          return at > 1 && at <= lastDot && (scene.fact('forget') ?? 0) > 0.95
        },
        showMe: async ({ lab }) => {
          const info = lab.info.value
          const module = info?.modules.find(({ kind }) => kind === 'lstm')?.path
          if (!info || module === undefined) return
          const { tracks } = await lab.client.ask('gates', { run: info.run, module, input: lab.selection.input.value })
          const forget = tracks[0].parts.find(({ name }) => name === 'f')?.numbers
          if (!forget) return
          const units = forget.shape[1]
          const open = forget.values.subarray(2 * units, (lastDot + 1) * units)
          const best = open.indexOf(Math.max(...open))
          lab.selection.time.value = 2 + Math.floor(best / units)
          lab.selection.pinned.value = { kind: 'unit', module, unit: best % units }
        },
        done: 'A factor near 1 at every step: kept on the way there, and kept on the way back. An RNN learns this task too, but later and less surely.',
      },
    },
    {
      id: 'gru',
      title: 'Two gates do it too',
      text: `
The **GRU** makes do with less: one state, and two gates. The update gate $z$ shares out between old and new,
$h = (1 - z) \\cdot n + z \\cdot h'$; the reset gate $r$ says how much of the state the candidate $n$ may see.

Back to names. Whether its memory is better than the LSTM's depends on the task; names are short, and even the plain RNN
comes close.`,
      spec: recurrentSpec('gru'),
      stage: memoryStage({ maps: true, sums: true }, { text: 'alexandra' }),
      bar: ['train', 'step', 'reset'],
      predict: {
        kind: 'number',
        question:
          'An LSTM of 32 units for these letters has 5,888 weights in four equal parts: three gates and the candidate. How many has a GRU, with two gates and the candidate?',
        label: 'Weights',
        truth: ({ lab }) =>
          lab.info.value?.modules
            .find(({ kind }) => kind === 'gru')
            ?.parameters.reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1), 0),
        near: 100,
        reply: () => 'Three parts in place of four.',
      },
      achieve: {
        text: `Train it until a letter costs less than ${goal}, and see in the map of z what is kept, and where.`,
        when: (scene) => recentLoss(scene) < goal,
        showMe: learn,
        done: 'Where z is near 1 a unit keeps its number; where it is near 0 it takes the new one.',
      },
    },
    {
      id: 'invent',
      title: 'Names that nobody wrote',
      text: `
Whoever can say what comes next can also write: draw a letter by its chances, go on from there, until the end is drawn.

Names that stand in the training data are marked *learned*; names that are real but were never shown, *real*. It knows
how names sound. It does not know that they belong to somebody.`,
      spec: recurrentSpec('gru'),
      trained: 1500,
      stage: tokensStage({ names: true }, { covered: 'all' }),
      bar: ['train', 'reset'],
      predict: {
        kind: 'choice',
        question: 'At temperature 0 the likeliest letter is taken each time. Twenty names: how many different ones?',
        options: [
          {
            text: 'One',
            right: true,
            reply: 'Yes: nothing is left to chance, so it is the same name twenty times. Try it.',
          },
          { text: 'About five', reply: 'Nothing is left to chance at 0: it is the same name twenty times. Try it.' },
          {
            text: 'Twenty',
            reply: 'Different names need chance. At 0 there is none: the same name twenty times. Try it.',
          },
        ],
      },
      achieve: {
        text: 'Find a temperature at which at least ten of twenty names are nobody’s, and still sound like names.',
        when: (scene) => (scene.fact('new') ?? 0) >= 10 && (scene.fact('different') ?? 0) >= 10,
        showMe: async () => {
          slide('Temperature', 1)
          await moment()
          press('Invent')
        },
        done: 'A few thousand weights, a few seconds, and names that nobody ever had.',
      },
    },
  ],
}
