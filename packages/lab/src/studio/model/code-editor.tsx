/**
 * The session as a program, in an editor: what is typed becomes the network, and what is changed elsewhere becomes text.
 *
 * The text is read, never run (spec/parse-code.ts). What cannot be read is marked at its place, and the last good network
 * stays.
 */
import { defaultKeymap, history, historyKeymap, indentWithTab } from '@codemirror/commands'
import { javascript } from '@codemirror/lang-javascript'
import { bracketMatching, HighlightStyle, indentUnit, syntaxHighlighting } from '@codemirror/language'
import { type Diagnostic, lintGutter, setDiagnostics } from '@codemirror/lint'
import { Annotation, EditorState } from '@codemirror/state'
import { EditorView, keymap, lineNumbers } from '@codemirror/view'
import { tags } from '@lezer/highlight'
import { useSignalEffect } from '@preact/signals'
import type { JSX } from 'preact'
import { useEffect, useRef, useState } from 'preact/hooks'
import { programOf } from '../../spec/code.ts'
import { samplesFile } from '../../spec/code-data.ts'
import { type CodeError, type Places, parseProgram } from '../../spec/parse-code.ts'
import { fit } from '../../spec/shapes.ts'
import type { LabSpec } from '../../spec/spec.ts'
import { useLab } from '../../state/ask.ts'
import { changesBetween } from './text-changes.ts'

/** Milliseconds after the last key, before the text is read. */
const patience = 350

/** Changes that come from elsewhere are not read back. */
const fromElsewhere = Annotation.define<boolean>()

const colours = HighlightStyle.define([
  { tag: [tags.keyword, tags.modifier, tags.operatorKeyword], color: 'var(--accent)' },
  { tag: [tags.string, tags.special(tags.string)], color: 'var(--good)' },
  { tag: [tags.number, tags.bool, tags.null], color: 'var(--positive)' },
  { tag: [tags.comment], color: 'var(--muted)', fontStyle: 'italic' },
  { tag: [tags.function(tags.variableName), tags.function(tags.propertyName)], fontWeight: '600' },
])

const look = EditorView.theme({
  '&': { fontSize: '0.82rem', backgroundColor: 'var(--surface)', color: 'var(--ink)', maxHeight: '560px' },
  '.cm-content': { fontFamily: 'var(--figures)', caretColor: 'var(--ink)' },
  '.cm-cursor': { borderLeftColor: 'var(--ink)' },
  '.cm-gutters': { backgroundColor: 'var(--surface)', color: 'var(--muted)', border: 'none' },
  '.cm-scroller': { overflow: 'auto' },
  '.cm-selectionBackground, &.cm-focused .cm-selectionBackground': { backgroundColor: 'var(--accent-soft) !important' },
  '.cm-tooltip': { backgroundColor: 'var(--surface)', color: 'var(--ink)', border: '1px solid var(--line-strong)' },
  '.cm-diagnostic-error': { borderLeftColor: 'var(--warn)' },
})

const same = (a: LabSpec, b: LabSpec): boolean => JSON.stringify(a) === JSON.stringify(b)

export function CodeEditor(): JSX.Element {
  const lab = useLab()
  const holder = useRef<HTMLDivElement>(null)
  const view = useRef<EditorView | undefined>(undefined)
  const [wrong, setWrong] = useState<string | undefined>(undefined)

  /** Layers that can be read and do not fit together. */
  const misfits = (spec: LabSpec, places: Places): CodeError[] => {
    const facts = lab.editor.facts.peek()
    const problems = facts ? fit(spec.model, facts).problems : []
    return problems.map(({ path, message }) => ({ ...(places.get(path) ?? { from: 0, to: 0 }), message }))
  }

  const mark = (errors: readonly CodeError[]): void => {
    const editor = view.current
    if (!editor) return
    const { length } = editor.state.doc
    const marks: Diagnostic[] = errors.map(({ from, to, message }) => ({
      from: Math.min(from, length),
      to: Math.min(Math.max(to, from), length),
      severity: 'error',
      message,
    }))
    editor.dispatch(setDiagnostics(editor.state, marks))
    const [first] = errors
    setWrong(first && `Line ${editor.state.doc.lineAt(Math.min(first.from, length)).number}: ${first.message}`)
  }

  /** Reads the text; a good one becomes the network. */
  const read = useRef(() => {})
  read.current = () => {
    const editor = view.current
    const spec = lab.spec.peek()
    if (!editor || !spec) return
    const parsed = parseProgram(editor.state.doc.toString(), spec)
    mark(parsed.errors ?? misfits(parsed.spec, parsed.places))
    if (!parsed.errors && !same(parsed.spec, spec)) void lab.editor.edit(parsed.spec, 'code')
  }

  useEffect(() => {
    if (!holder.current) return
    let timer: ReturnType<typeof setTimeout> | undefined
    const editor = new EditorView({
      parent: holder.current,
      state: EditorState.create({
        doc: '',
        extensions: [
          lineNumbers(),
          history(),
          bracketMatching(),
          indentUnit.of('  '),
          javascript({ typescript: true }),
          syntaxHighlighting(colours),
          lintGutter(),
          EditorView.lineWrapping,
          look,
          EditorView.contentAttributes.of({ 'aria-label': 'The session as a TypeScript program', tabindex: '0' }),
          // Escape first, then Tab, leaves the editor; the text below says so.
          keymap.of([...defaultKeymap, ...historyKeymap, indentWithTab]),
          EditorView.updateListener.of((update) => {
            if (!update.docChanged || update.transactions.some((each) => each.annotation(fromElsewhere))) return
            clearTimeout(timer)
            timer = setTimeout(() => read.current(), patience)
          }),
        ],
      }),
    })
    view.current = editor
    return () => {
      clearTimeout(timer)
      editor.destroy()
      view.current = undefined
    }
  }, [])

  // What was changed elsewhere; a text that already says it keeps its form.
  useSignalEffect(() => {
    const [spec, facts] = [lab.spec.value, lab.editor.facts.value]
    // The effect runs before the editor stands, at first.
    queueMicrotask(() => {
      const editor = view.current
      if (!editor || !spec || !facts) return
      const before = editor.state.doc.toString()
      const parsed = before === '' ? undefined : parseProgram(before, spec)
      if (parsed && !parsed.errors && same(parsed.spec, spec)) return
      const after = programOf(spec, facts)
      editor.dispatch({ changes: changesBetween(before, after), annotations: fromElsewhere.of(true) })
      const now = parseProgram(after, spec)
      mark(now.errors ?? misfits(now.spec, now.places))
    })
  })

  const drawn = lab.spec.value?.data.kind === 'plane' || lab.spec.value?.data.kind === 'points'
  return (
    <div class="code">
      <div ref={holder} class="code-holder" />
      <p class={wrong ? 'problem' : 'muted small'} role="status">
        {wrong
          ? `${wrong} The last network that was right stays.`
          : 'Read as you type, never run here. Escape, then Tab, leaves the editor.'}
      </p>
      <div class="row">
        <button type="button" onClick={() => saveText('network.ts', view.current?.state.doc.toString() ?? '')}>
          Save the program
        </button>
        {!drawn && (
          <button
            type="button"
            onClick={async () => {
              const data = lab.spec.peek()?.data
              if (data) save(samplesFile, await lab.client.order('samples', { data }), 'application/octet-stream')
            }}
          >
            Save its samples
          </button>
        )}
        <span class="muted small">It runs in Node: npm install glissade, then npx tsx network.ts</span>
      </div>
    </div>
  )
}

const saveText = (name: string, text: string): void => save(name, new TextEncoder().encode(text), 'text/plain')

function save(name: string, bytes: Uint8Array<ArrayBuffer>, type: string): void {
  const address = URL.createObjectURL(new Blob([bytes], { type }))
  const link = document.createElement('a')
  link.href = address
  link.download = name
  link.click()
  setTimeout(() => URL.revokeObjectURL(address), 10_000)
}
