/**
 * The doctor: what is wrong with a training, from its vitals, in words, with the numbers that show it and a change to
 * try. Pure rules, one function each; their limits are constants with reasons. What is measured: vitals.ts.
 */
import { collapse, divergence, overfitting, plateau, rate } from './doctor/course.ts'
import { attention, dead, exploding, inputs, saturation, vanishing } from './doctor/inside.ts'
import type { Rule } from './doctor/words.ts'
import type { Diagnosis, Finding } from './protocol.ts'
import type { Vitals } from './vitals.ts'

/** All findings, the serious ones first. */
export function examine(vitals: Vitals): Diagnosis {
  const order = ['serious', 'warning', 'note']
  const findings = rules.flatMap((rule) => rule(vitals))
  findings.sort((a, b) => order.indexOf(a.severity) - order.indexOf(b.severity))
  return { stamp: vitals.stamp, findings: withoutFollowers(findings), looked: lookedAt(vitals) }
}

/** Of a network that broke, nothing else is worth saying; what a too large rate does is said once. */
function withoutFollowers(findings: readonly Finding[]): readonly Finding[] {
  const has = (name: Finding['name']): boolean => findings.some((finding) => finding.name === name)
  if (has('divergence')) return findings.filter(({ name }) => name === 'divergence' || name === 'inputs')
  if (has('rate-large'))
    return findings.filter(({ name }) => !['plateau', 'exploding', 'collapse', 'vanishing'].includes(name))
  // Where no gradient comes through, steps are small at any rate.
  if (has('vanishing') || has('dead') || has('saturation'))
    return findings.filter(({ name }) => name !== 'plateau' && name !== 'rate-small')
  if (has('rate-small')) return findings.filter(({ name }) => name !== 'plateau')
  return findings
}

function lookedAt({ weights, units, heads, inputs, classes }: Vitals): string[] {
  return [
    'losses',
    `gradients of ${weights.length} ${weights.length === 1 ? 'layer' : 'layers'}`,
    ...(units.length > 0 ? [`outputs of ${units.reduce((sum, { units }) => sum + units, 0)} units`] : []),
    ...(heads.length > 0 ? [`${heads.length} attention heads`] : []),
    ...(inputs.length > 0 ? ['inputs'] : []),
    ...(classes.length > 0 ? ['answers by class'] : []),
  ]
}

const rules: readonly Rule[] = [
  divergence,
  rate,
  dead,
  saturation,
  vanishing,
  exploding,
  overfitting,
  plateau,
  collapse,
  attention,
  inputs,
]
