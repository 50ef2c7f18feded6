/** How the engines' numbers are compared, before any time is taken. */

type Answers = ReadonlyMap<string, readonly number[]>

/** Wrong where a number is further than `tolerance` from the true one. */
export function judgeByTruth(answers: Answers, truth: readonly number[], tolerance: number): Map<string, string> {
  return judgeEach(answers, truth, () => tolerance)
}

/** Slow engines may answer for the first steps only: at least so many. */
const leastLosses = 2

/**
 * Losses of the first steps, from the same weights on the same samples: wrong where one is further than `tolerance`
 * (relative) from the middle of what all engines say, or where the last of `count` is not below the first.
 */
export function judgeLosses(answers: Answers, tolerance: number, count: number): Map<string, string> {
  const truth = middles(answers)
  const problems = new Map<string, string>()
  for (const [who, values] of answers) {
    const expected = values.length >= leastLosses ? truth.slice(0, values.length) : truth
    const problem = compare(values, expected, (value) => tolerance * Math.abs(value))
    if (problem) problems.set(who, problem)
    else if (values.length >= count && !(values[values.length - 1] < values[0])) {
      problems.set(
        who,
        `the loss does not fall: ${values[0]} at first, ${values[values.length - 1]} after ${count} steps`,
      )
    }
  }
  return problems
}

/** A forward pass's results: wrong where one is further than `tolerance` from the middle of what all engines say. */
export function judgeAlike(answers: Answers, tolerance: number): Map<string, string> {
  return judgeEach(answers, middles(answers), () => tolerance)
}

function judgeEach(
  answers: Answers,
  truth: readonly number[],
  tolerance: (expected: number) => number,
): Map<string, string> {
  const problems = new Map<string, string>()
  for (const [who, values] of answers) {
    const problem = compare(values, truth, tolerance)
    if (problem) problems.set(who, problem)
  }
  return problems
}

function compare(
  values: readonly number[],
  truth: readonly number[],
  tolerance: (expected: number) => number,
): string | undefined {
  if (values.length !== truth.length) return `${values.length} numbers where ${truth.length} were expected`
  // written so that NaN counts as wrong
  const at = values.findIndex((value, i) => !(Math.abs(value - truth[i]) <= tolerance(truth[i])))
  if (at >= 0) return `number ${at} is ${values[at]}, expected ${truth[at]} within ${tolerance(truth[at])}`
}

/** What most engines say, number by number. */
function middles(answers: Answers): number[] {
  const steps = Math.max(0, ...[...answers.values()].map((values) => values.length))
  return Array.from({ length: steps }, (_, i) => middle([...answers.values()].map((values) => values[i])))
}

/** The lower middle one, among those that are numbers. */
function middle(values: readonly number[]): number {
  const sorted = values.filter((value) => Number.isFinite(value)).sort((a, b) => a - b)
  return sorted[(sorted.length - 1) >> 1]
}
