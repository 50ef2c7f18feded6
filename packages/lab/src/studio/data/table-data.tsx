/** A table: its file, a look at it, which columns go in and which one is asked for. */
import type { JSX } from 'preact'
import { useMemo } from 'preact/hooks'
import { useLab } from '../../state/ask.ts'
import { Select } from '../../ui/controls.tsx'
import { count } from '../../ui/format.ts'
import { takeFile } from './data-panel.tsx'
import { limits, previewOf } from './files.ts'

export function TableDataFields(): JSX.Element {
  const lab = useLab()
  const data = lab.spec.value?.data
  const table = data?.kind === 'table' ? data : undefined
  const preview = useMemo(() => (table ? previewOf(table.name, table.text) : undefined), [table?.text, table?.name])
  const seen = preview && preview.problem === undefined ? preview.value : undefined
  const change = (inputs: readonly string[], target: string): void => {
    if (table) void lab.editor.change({ data: { ...table, inputs, target } })
  }
  return (
    <div class="stack">
      <label class="field">
        <span>{table ? 'Another file' : 'Choose a file, or drop it anywhere on the page'}</span>
        <input
          type="file"
          accept=".csv,.tsv,text/csv"
          onChange={(event) => {
            const [file] = event.currentTarget.files ?? []
            if (file) void takeFile(lab, file)
          }}
        />
      </label>
      <p class="muted small">{limits} It stays in this page.</p>
      {table && seen && (
        <>
          <p class="small">
            <b>{table.name}</b> <span class="muted">· {count(seen.count)} rows</span>
          </p>
          <Select
            label="What is asked for"
            value={table.target}
            options={seen.columns.map((column) => ({ value: column, text: column }))}
            onChange={(target) => {
              const rest = table.inputs.filter((column) => column !== target)
              change(rest.length > 0 ? rest : seen.columns.filter((column) => column !== target), target)
            }}
          />
          <fieldset class="chips">
            <legend>What goes in</legend>
            {seen.columns
              .filter((column) => column !== table.target)
              .map((column) => (
                <label key={column}>
                  <input
                    type="checkbox"
                    checked={table.inputs.includes(column)}
                    onChange={(event) => {
                      const wanted = seen.columns.filter((each) =>
                        each === column ? event.currentTarget.checked : table.inputs.includes(each),
                      )
                      if (wanted.length > 0) change(wanted, table.target)
                      else event.currentTarget.checked = true
                    }}
                  />
                  {column}
                </label>
              ))}
          </fieldset>
          {/* A wide table scrolls by itself; by keyboard, too. */}
          {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached */}
          <section class="wide" tabIndex={0} aria-label="The first rows">
            <table class="preview figures">
              <thead>
                <tr>
                  {seen.columns.map((column) => (
                    <th key={column} scope="col">
                      {column}
                    </th>
                  ))}
                </tr>
              </thead>
              <tbody>
                {seen.rows.map((row, i) => (
                  <tr key={i}>
                    {seen.columns.map((column) => (
                      <td key={column}>{(row[column] ?? '').slice(0, 24)}</td>
                    ))}
                  </tr>
                ))}
              </tbody>
            </table>
          </section>
        </>
      )}
    </div>
  )
}
