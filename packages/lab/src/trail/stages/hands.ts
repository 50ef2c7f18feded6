/** What "Show me" does where a person would press and slide: the same controls, at a speed that eyes can follow. */
import type { Scene } from '../chapter.ts'

/** Milliseconds between two movements. */
const beat = 600

export const moment = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, beat))

/** Presses the first button that begins with a text, or is called by it. */
export function press(text: string): void {
  const buttons = [...document.querySelectorAll<HTMLButtonElement>('main button')]
  const says = (button: HTMLButtonElement): string =>
    button.getAttribute('aria-label') ?? button.textContent?.trim() ?? ''
  buttons.find((button) => says(button).startsWith(text) && !button.disabled)?.click()
}

/** Moves the slider with a name to a value. */
export function slide(label: string, value: number): void {
  const field = [...document.querySelectorAll('main label.field')].find((each) =>
    each.textContent?.trim().startsWith(label),
  )
  const input = field?.querySelector('input')
  if (!input) return
  input.value = String(value)
  input.dispatchEvent(new Event('input', { bubbles: true }))
  input.dispatchEvent(new Event('change', { bubbles: true }))
}

/** Tries one thing after the other, until the scene has what was looked for. */
export async function tryEach(tries: readonly (() => void)[], found: () => boolean): Promise<void> {
  for (const each of tries) {
    each()
    await moment()
    if (found()) return
  }
}

/** The letters of the text from the fourth on, through each head: a way to look at all of attention. */
export function looks({ lab }: Scene, letters: number): (() => void)[] {
  const heads = document.querySelectorAll<HTMLButtonElement>('main button.head')
  return [...heads].flatMap((head) => [
    () => head.click(),
    ...Array.from({ length: Math.max(0, letters - 3) }, (_, i) => () => {
      lab.selection.time.value = i + 3
    }),
  ])
}
