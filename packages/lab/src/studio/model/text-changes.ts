/** The smallest changes that make one text of another, line by line, so that a cursor in it stays where it is. */

export interface TextChange {
  readonly from: number
  readonly to: number
  readonly insert: string
}

export function changesBetween(before: string, after: string): TextChange[] {
  if (before === after) return []
  const [old, next] = [before.split('\n'), after.split('\n')]
  if (old.length !== next.length) return [between(before, after, 0)]
  const changes: TextChange[] = []
  let at = 0
  old.forEach((line, i) => {
    if (line !== next[i]) changes.push(between(line, next[i], at))
    at += line.length + 1
  })
  return changes
}

/** What lies between a common beginning and a common end. */
function between(before: string, after: string, offset: number): TextChange {
  const shortest = Math.min(before.length, after.length)
  let start = 0
  while (start < shortest && before[start] === after[start]) start++
  let end = 0
  while (end < shortest - start && before[before.length - 1 - end] === after[after.length - 1 - end]) end++
  return { from: offset + start, to: offset + before.length - end, insert: after.slice(start, after.length - end) }
}
