/** Of each class how many were found, and how often the network was right when it said it; with many, what is mixed up. */
import type { JSX } from 'preact'
import { count, percent } from '../../ui/format.ts'
import type { RunInfo } from '../../worker/protocol.ts'

/** Pairs that are shown. */
const most = 8

export function PerClass({
  info,
  values,
  withMixed,
}: {
  readonly info: RunInfo
  readonly values: Float32Array
  readonly withMixed: boolean
}): JSX.Element {
  const { labels } = info
  const size = labels.length
  const rows = labels.map((label, k) => {
    let [truly, said] = [0, 0]
    for (let other = 0; other < size; other++) {
      truly += values[k * size + other]
      said += values[other * size + k]
    }
    const right = values[k * size + k]
    return { label, truly, found: truly ? right / truly : undefined, trusted: said ? right / said : undefined }
  })
  const mixed = withMixed
    ? Array.from(values, (times, at) => ({ times, truth: Math.floor(at / size), said: at % size }))
        .filter(({ times, truth, said }) => times > 0 && truth !== said)
        .sort((a, b) => b.times - a.times)
        .slice(0, most)
    : []
  const share = (value: number | undefined): string => (value === undefined ? '–' : percent(value))
  return (
    <div class="per-class">
      <table>
        <caption>Found: the share of these that it knew. Right: how often it was so when it said so.</caption>
        <thead>
          <tr>
            <th scope="col">{info.task === 'token' ? 'letter' : 'class'}</th>
            <th scope="col">there are</th>
            <th scope="col">found</th>
            <th scope="col">right</th>
          </tr>
        </thead>
        <tbody>
          {rows.map(({ label, truly, found, trusted }) => (
            <tr key={label}>
              <th scope="row">{label.trim() === '' ? 'end or space' : label}</th>
              <td class="figures">{count(truly)}</td>
              <td class="figures share" style={{ '--share': String(found ?? 0) }}>
                {share(found)}
              </td>
              <td class="figures">{share(trusted)}</td>
            </tr>
          ))}
        </tbody>
      </table>
      {mixed.length > 0 && (
        <ul class="mixed">
          {mixed.map(({ times, truth, said }) => (
            <li key={`${truth} ${said}`}>
              “{labels[truth]}” taken for “{labels[said]}” <span class="figures muted">{count(times)} times</span>
            </li>
          ))}
        </ul>
      )}
    </div>
  )
}
