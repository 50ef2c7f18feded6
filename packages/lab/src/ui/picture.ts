/**
 * A panel as a picture: its title, its stamp, what it draws and what is written in it, each where it stands on the page.
 * Canvases are drawn once more as shapes where their view allows (svg-context.ts). PNG is made of the same SVG.
 */
import { drawingOf } from './frame.ts'
import { saveFile } from './save-file.ts'
import { digits, drawnAsSvg, escaped } from './svg-context.ts'

/** What is there to be pressed is no part of the picture. */
const left = 'button, input, select, textarea, summary, label, .hidden-text, [hidden], [aria-hidden="true"] > input'
const margin = 12

export async function savePicture(panel: HTMLElement, format: 'png' | 'svg'): Promise<void> {
  const { svg, width, height } = pictureOf(panel)
  const title = panel.querySelector('h2')?.textContent ?? 'picture'
  const name = `${title.toLowerCase().replace(/[^\w]+/g, '-')}.${format}`
  if (format === 'svg') return saveFile(name, svg, 'image/svg+xml')
  saveFile(name, await pngOf(svg, width, height))
}

export function pictureOf(panel: HTMLElement): { svg: string; width: number; height: number } {
  const frame = panel.getBoundingClientRect()
  const [width, height] = [frame.width + 2 * margin, frame.height + 2 * margin]
  const at = (box: DOMRect): { x: number; y: number; width: number; height: number } => ({
    x: box.left - frame.left + margin,
    y: box.top - frame.top + margin,
    width: box.width,
    height: box.height,
  })
  const parts: string[] = []
  const visit = (element: Element): void => {
    if (element !== panel && element.matches(left)) return
    const style = getComputedStyle(element)
    if (style.display === 'none' || style.visibility === 'hidden' || Number(style.opacity) === 0) return
    const place = at(element.getBoundingClientRect())
    if (element instanceof HTMLCanvasElement) parts.push(canvasText(element, place))
    else if (element instanceof SVGSVGElement) parts.push(svgText(element, place))
    else {
      parts.push(boxText(style, place, element === panel))
      for (const child of element.childNodes) {
        if (child instanceof Element) visit(child)
        else if (child instanceof Text)
          parts.push(...linesOf(child).map(({ text, box }) => letters(text, at(box), style)))
      }
    }
  }
  visit(panel)
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${digits(width)}" height="${digits(height)}" viewBox="0 0 ${digits(width)} ${digits(height)}">${parts.join('')}</svg>`
  return { svg, width, height }
}

interface Place {
  readonly x: number
  readonly y: number
  readonly width: number
  readonly height: number
}
const placed = ({ x, y, width, height }: Place): string =>
  `x="${digits(x)}" y="${digits(y)}" width="${digits(width)}" height="${digits(height)}"`

const isSeen = (colour: string): boolean => colour !== 'transparent' && !/[,/]\s*0\)$/.test(colour)

/** Ground and border. */
function boxText(style: CSSStyleDeclaration, place: Place, always: boolean): string {
  const ground = isSeen(style.backgroundColor) ? style.backgroundColor : always ? 'Canvas' : 'none'
  const border = Number.parseFloat(style.borderTopWidth) > 0 && style.borderTopStyle !== 'none'
  if (ground === 'none' && !border) return ''
  const stroke = border ? ` stroke="${escaped(style.borderTopColor)}" stroke-width="${style.borderTopWidth}"` : ''
  return `<rect ${placed(place)} rx="${Number.parseFloat(style.borderTopLeftRadius) || 0}" fill="${escaped(ground)}"${stroke}/>`
}

function canvasText(canvas: HTMLCanvasElement, place: Place): string {
  const { clientWidth: width, clientHeight: height } = canvas
  const draw = drawingOf(canvas)
  const shapes = draw && drawnAsSvg((context) => draw(context, width, height))
  if (shapes !== undefined)
    return `<svg ${placed(place)} viewBox="0 0 ${width} ${height}" preserveAspectRatio="none">${shapes}</svg>`
  return canvas.width * canvas.height === 0
    ? ''
    : `<image ${placed(place)} preserveAspectRatio="none" href="${canvas.toDataURL('image/png')}"/>`
}

/** What styles say of shapes and letters, to be said without the page's styles. */
const carried = [
  'fill',
  'fill-opacity',
  'stroke',
  'stroke-width',
  'stroke-dasharray',
  'stroke-linecap',
  'stroke-linejoin',
  'stroke-opacity',
  'opacity',
  'font-family',
  'font-size',
  'font-weight',
  'text-anchor',
  'dominant-baseline',
] as const

function svgText(svg: SVGSVGElement, place: Place): string {
  const copy = svg.cloneNode(true) as SVGSVGElement
  const there = [svg, ...svg.querySelectorAll<SVGElement>('*')]
  const here = [copy, ...copy.querySelectorAll<SVGElement>('*')]
  there.forEach((element, i) => {
    const style = getComputedStyle(element)
    const own = here[i]
    for (const name of carried) own.style.setProperty(name, style.getPropertyValue(name))
    own.removeAttribute('class')
    if (style.display === 'none' || style.visibility === 'hidden') own.setAttribute('display', 'none')
  })
  for (const foreign of copy.querySelectorAll('foreignObject, title')) foreign.remove()
  copy.setAttribute('x', digits(place.x))
  copy.setAttribute('y', digits(place.y))
  copy.setAttribute('width', digits(place.width))
  copy.setAttribute('height', digits(place.height))
  return new XMLSerializer().serializeToString(copy)
}

/** The lines that a text is broken into on the page. */
function linesOf(node: Text): { text: string; box: DOMRect }[] {
  const text = node.data
  if (text.trim() === '') return []
  const range = document.createRange()
  const lines: { text: string; box: DOMRect }[] = []
  for (let from = 0; from < text.length; ) {
    // Words are not broken on the page, but where there is no room; so words are what is measured.
    const [whole, space, word] = /^(\s*)(\S+)\s*/.exec(text.slice(from)) ?? [text.slice(from), '', '']
    const to = from + whole.length
    range.setStart(node, from + space.length)
    range.setEnd(node, from + space.length + word.length)
    const box = range.getBoundingClientRect()
    const last = lines[lines.length - 1]
    if (box.width > 0 && last && Math.abs(last.box.top - box.top) < 2) {
      last.text += text.slice(from, to)
      last.box = new DOMRect(last.box.left, last.box.top, box.right - last.box.left, last.box.height)
    } else if (box.width > 0) lines.push({ text: text.slice(from, to), box })
    from = to
  }
  return lines.map(({ text, box }) => ({ text: text.replace(/\s+/g, ' ').trim(), box }))
}

function letters(text: string, { x, y, width, height }: Place, style: CSSStyleDeclaration): string {
  const size = Number.parseFloat(style.fontSize)
  // The letters stand in the middle of their line.
  const base = y + height / 2 + size * 0.35
  const font = `font-family:${style.fontFamily.replaceAll('"', "'")};font-size:${style.fontSize};font-weight:${style.fontWeight};font-style:${style.fontStyle};font-variant-numeric:${style.fontVariantNumeric}`
  return `<text x="${digits(x)}" y="${digits(base)}" textLength="${digits(width)}" lengthAdjust="spacingAndGlyphs" fill="${escaped(style.color)}" style="${escaped(font)}">${escaped(text)}</text>`
}

/** Twice as fine as the page, for print. */
const fine = 2

async function pngOf(svg: string, width: number, height: number): Promise<Blob> {
  const address = URL.createObjectURL(new Blob([svg], { type: 'image/svg+xml' }))
  try {
    const image = new Image()
    image.src = address
    await image.decode()
    const canvas = document.createElement('canvas')
    canvas.width = Math.round(width * fine)
    canvas.height = Math.round(height * fine)
    canvas.getContext('2d')?.drawImage(image, 0, 0, canvas.width, canvas.height)
    return await new Promise((resolve, reject) =>
      canvas.toBlob((blob) => (blob ? resolve(blob) : reject(new Error('The picture is too large for this browser.')))),
    )
  } finally {
    URL.revokeObjectURL(address)
  }
}
