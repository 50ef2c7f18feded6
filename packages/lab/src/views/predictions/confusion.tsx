/** How often each class (row) was taken for which (column); choosing a cell shows its samples. */
import type { JSX } from 'preact'
import { useLab } from '../../state/ask.ts'
import { count, percent } from '../../ui/format.ts'
import type { RunInfo } from '../../worker/protocol.ts'
import { rove } from '../roving.ts'

export function Confusion({ info, values }: { readonly info: RunInfo; readonly values: Float32Array }): JSX.Element {
  const { selection } = useLab()
  const { labels } = info
  const chosen = selection.cell.value
  return (
    <div class="confusion-box">
      <table class="confusion" onKeyDown={(event) => rove(event, labels.length)}>
        <caption>Rows: what it is. Columns: what the network says.</caption>
        <thead>
          <tr>
            <td />
            {labels.map((label) => (
              <th key={label} scope="col">
                {label}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {labels.map((label, truth) => {
            const row = values.subarray(truth * labels.length, (truth + 1) * labels.length)
            const all = Math.max(
              1,
              row.reduce((sum, each) => sum + each, 0),
            )
            return (
              <tr key={label}>
                <th scope="row">{label}</th>
                {Array.from(row, (times, said) => {
                  const isChosen = chosen?.truth === truth && chosen.said === said
                  return (
                    <td key={labels[said]} class={said === truth ? 'right' : ''}>
                      <button
                        type="button"
                        data-rove
                        class="figures"
                        tabIndex={(chosen ? isChosen : truth === 0 && said === 0) ? 0 : -1}
                        aria-pressed={isChosen}
                        aria-label={`${label} taken for ${labels[said]}: ${count(times)}, ${percent(times / all)}`}
                        title={`${label} taken for ${labels[said]}: ${count(times)} of ${count(all)}`}
                        style={{ '--share': String(times / all) }}
                        onClick={() => {
                          selection.cell.value = isChosen ? undefined : { truth, said }
                        }}
                      >
                        {times === 0 ? '·' : count(times)}
                      </button>
                    </td>
                  )
                })}
              </tr>
            )
          })}
        </tbody>
      </table>
    </div>
  )
}
