/**
 * A canvas context that writes SVG: views draw into it as they draw on the page, and what comes out are shapes and
 * letters instead of pixels. It has what views use; whoever needs more gets an error, and the picture falls back to pixels.
 */

/** Pictures of at most so many cells become rectangles; larger ones stay pictures. */
const mostCells = 2500

interface State {
  matrix: DOMMatrix
  clip: string | undefined
  fillStyle: string
  strokeStyle: string
  lineWidth: number
  lineCap: string
  lineJoin: string
  lineDashOffset: number
  dash: readonly number[]
  globalAlpha: number
  font: string
  textAlign: CanvasTextAlign
  textBaseline: CanvasTextBaseline
  imageSmoothingEnabled: boolean
}

const fresh = (): State => ({
  matrix: new DOMMatrix(),
  clip: undefined,
  fillStyle: '#000',
  strokeStyle: '#000',
  lineWidth: 1,
  lineCap: 'butt',
  lineJoin: 'miter',
  lineDashOffset: 0,
  dash: [],
  globalAlpha: 1,
  font: '10px sans-serif',
  textAlign: 'start',
  textBaseline: 'alphabetic',
  imageSmoothingEnabled: true,
})

export const escaped = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')

export const digits = (value: number): string => String(Math.round(value * 100) / 100)

let clips = 0

class SvgContext {
  readonly parts: string[] = []
  #state = fresh()
  #saved: State[] = []
  #path = ''
  readonly #measuring = document.createElement('canvas').getContext('2d') as CanvasRenderingContext2D

  constructor() {
    // Styles are properties, as a canvas has them.
    for (const name of Object.keys(fresh()) as (keyof State)[]) {
      if (name === 'matrix' || name === 'clip' || name === 'dash') continue
      Object.defineProperty(this, name, {
        get: () => this.#state[name],
        set: (value) => {
          if (name.endsWith('Style') && typeof value !== 'string') throw new Error('Gradients are not written as SVG.')
          this.#state = { ...this.#state, [name]: value }
        },
      })
    }
  }

  save(): void {
    this.#saved.push(this.#state)
  }
  restore(): void {
    this.#state = this.#saved.pop() ?? this.#state
  }
  #turn(matrix: DOMMatrix): void {
    this.#state = { ...this.#state, matrix }
  }
  translate(x: number, y: number): void {
    this.#turn(this.#state.matrix.translate(x, y))
  }
  scale(x: number, y: number): void {
    this.#turn(this.#state.matrix.scale(x, y))
  }
  rotate(angle: number): void {
    this.#turn(this.#state.matrix.rotate((angle * 180) / Math.PI))
  }

  beginPath(): void {
    this.#path = ''
  }
  closePath(): void {
    if (this.#path) this.#path += 'Z'
  }
  #to(word: string, ...places: number[]): void {
    const points: string[] = []
    for (let i = 0; i < places.length; i += 2) {
      const { x, y } = this.#state.matrix.transformPoint({ x: places[i], y: places[i + 1] })
      points.push(`${digits(x)} ${digits(y)}`)
    }
    this.#path += (this.#path === '' && word !== 'M' ? 'M' : word) + points.join(' ')
  }
  moveTo(x: number, y: number): void {
    this.#to('M', x, y)
  }
  lineTo(x: number, y: number): void {
    this.#to('L', x, y)
  }
  bezierCurveTo(a: number, b: number, c: number, d: number, x: number, y: number): void {
    this.#to('C', a, b, c, d, x, y)
  }
  quadraticCurveTo(a: number, b: number, x: number, y: number): void {
    this.#to('Q', a, b, x, y)
  }
  rect(x: number, y: number, width: number, height: number): void {
    this.moveTo(x, y)
    this.lineTo(x + width, y)
    this.lineTo(x + width, y + height)
    this.lineTo(x, y + height)
    this.closePath()
  }
  roundRect(x: number, y: number, width: number, height: number, radius: number | number[] = 0): void {
    const r = Math.min(Array.isArray(radius) ? (radius[0] ?? 0) : radius, width / 2, height / 2)
    this.moveTo(x + r, y)
    this.lineTo(x + width - r, y)
    this.quadraticCurveTo(x + width, y, x + width, y + r)
    this.lineTo(x + width, y + height - r)
    this.quadraticCurveTo(x + width, y + height, x + width - r, y + height)
    this.lineTo(x + r, y + height)
    this.quadraticCurveTo(x, y + height, x, y + height - r)
    this.lineTo(x, y + r)
    this.quadraticCurveTo(x, y, x + r, y)
    this.closePath()
  }
  arc(x: number, y: number, radius: number, from: number, to: number, back = false): void {
    this.ellipse(x, y, radius, radius, 0, from, to, back)
  }
  /** In pieces of at most a quarter turn, each as a Bézier curve. */
  ellipse(x: number, y: number, rx: number, ry: number, turn: number, from: number, to: number, back = false): void {
    let sweep = to - from
    if (back) sweep = -((-sweep % (2 * Math.PI)) + 2 * Math.PI) % (2 * Math.PI) || -2 * Math.PI
    sweep = Math.max(-2 * Math.PI, Math.min(2 * Math.PI, sweep))
    const pieces = Math.max(1, Math.ceil(Math.abs(sweep) / (Math.PI / 2)))
    const each = sweep / pieces
    const handle = (4 / 3) * Math.tan(each / 4)
    const place = (dx: number, dy: number): [number, number] => [
      x + rx * dx * Math.cos(turn) - ry * dy * Math.sin(turn),
      y + rx * dx * Math.sin(turn) + ry * dy * Math.cos(turn),
    ]
    const [cos, sin] = [Math.cos, Math.sin]
    const start = place(cos(from), sin(from))
    if (this.#path === '' || this.#path.endsWith('Z')) this.moveTo(...start)
    else this.lineTo(...start)
    for (let i = 0; i < pieces; i++) {
      const [a, b] = [from + i * each, from + (i + 1) * each]
      this.#to(
        'C',
        ...place(cos(a) - handle * sin(a), sin(a) + handle * cos(a)),
        ...place(cos(b) + handle * sin(b), sin(b) - handle * cos(b)),
        ...place(cos(b), sin(b)),
      )
    }
  }

  #add(element: string): void {
    const { clip } = this.#state
    this.parts.push(clip ? `<g clip-path="url(#${clip})">${element}</g>` : element)
  }
  #alpha(): string {
    return this.#state.globalAlpha < 1 ? ` opacity="${digits(this.#state.globalAlpha)}"` : ''
  }
  fill(path?: unknown): void {
    if (path instanceof Path2D) throw new Error('Paths that are kept are not written as SVG.')
    if (this.#path) this.#add(`<path d="${this.#path}" fill="${escaped(this.#state.fillStyle)}"${this.#alpha()}/>`)
  }
  stroke(path?: unknown): void {
    if (path instanceof Path2D) throw new Error('Paths that are kept are not written as SVG.')
    if (!this.#path) return
    const { strokeStyle, lineWidth, lineCap, lineJoin, lineDashOffset, dash, matrix } = this.#state
    const scale = Math.sqrt(Math.abs(matrix.a * matrix.d - matrix.b * matrix.c))
    const dashes =
      dash.length > 0
        ? ` stroke-dasharray="${dash.map((n) => digits(n * scale)).join(' ')}" stroke-dashoffset="${digits(lineDashOffset * scale)}"`
        : ''
    this.#add(
      `<path d="${this.#path}" fill="none" stroke="${escaped(strokeStyle)}" stroke-width="${digits(lineWidth * scale)}" stroke-linecap="${lineCap}" stroke-linejoin="${lineJoin}"${dashes}${this.#alpha()}/>`,
    )
  }
  clip(): void {
    const id = `clip-${++clips}`
    const inside = this.#state.clip ? ` clip-path="url(#${this.#state.clip})"` : ''
    this.parts.push(`<clipPath id="${id}"${inside}><path d="${this.#path}"/></clipPath>`)
    this.#state = { ...this.#state, clip: id }
  }
  #aside(work: () => void): void {
    const before = this.#path
    this.#path = ''
    work()
    this.#path = before
  }
  fillRect(x: number, y: number, width: number, height: number): void {
    this.#aside(() => {
      this.rect(x, y, width, height)
      this.fill()
    })
  }
  strokeRect(x: number, y: number, width: number, height: number): void {
    this.#aside(() => {
      this.rect(x, y, width, height)
      this.stroke()
    })
  }
  clearRect(): void {
    // Nothing was there: the picture begins empty.
  }
  setLineDash(dash: readonly number[]): void {
    this.#state = { ...this.#state, dash: [...dash] }
  }
  getLineDash(): number[] {
    return [...this.#state.dash]
  }
  measureText(text: string): TextMetrics {
    this.#measuring.font = this.#state.font
    return this.#measuring.measureText(text)
  }
  fillText(text: string, x: number, y: number): void {
    const { matrix, font, fillStyle, textAlign, textBaseline } = this.#state
    const { a, b, c, d, e, f } = matrix.translate(x, y)
    const anchor = { center: 'middle', right: 'end', end: 'end' }[textAlign as string] ?? 'start'
    const baseline = { middle: 'central', top: 'hanging', hanging: 'hanging', bottom: 'text-after-edge' }[
      textBaseline as string
    ]
    this.#add(
      `<text transform="matrix(${[a, b, c, d, e, f].map(digits).join(' ')})" style="font:${escaped(font)}" fill="${escaped(fillStyle)}" text-anchor="${anchor}"${baseline ? ` dominant-baseline="${baseline}"` : ''}${this.#alpha()}>${escaped(text)}</text>`,
    )
  }
  strokeText(): void {
    // A rim that makes letters stand out; the letters themselves follow.
  }
  drawImage(image: HTMLCanvasElement, ...at: number[]): void {
    if (!(image instanceof HTMLCanvasElement)) throw new Error('Only canvases are written as SVG.')
    const whole = [0, 0, image.width, image.height]
    const [sx, sy, sw, sh, x, y, w, h] =
      at.length === 8 ? at : [...whole, at[0], at[1], at[2] ?? image.width, at[3] ?? image.height]
    const cells = sw * sh
    const context = image.getContext('2d')
    if (this.#state.imageSmoothingEnabled || cells > mostCells || !context)
      return this.#picture(image, [sx, sy, sw, sh], [x, y, w, h])
    const { data } = context.getImageData(sx, sy, sw, sh)
    for (let i = 0; i < cells; i++) {
      const [red, green, blue, alpha] = data.subarray(4 * i, 4 * i + 4)
      if (alpha === 0) continue
      this.#aside(() => {
        const [column, row] = [i % sw, Math.floor(i / sw)]
        this.rect(x + (column * w) / sw, y + (row * h) / sh, w / sw, h / sh)
        // The edges are crisp, so that no ground shines through between cells.
        this.#add(`<path d="${this.#path}" fill="rgb(${red},${green},${blue})" shape-rendering="crispEdges"/>`)
      })
    }
  }
  #picture(image: HTMLCanvasElement, [sx, sy, sw, sh]: number[], [x, y, w, h]: number[]): void {
    const part = document.createElement('canvas')
    const smooth = this.#state.imageSmoothingEnabled
    // Viewers smooth enlarged pictures as they like; these pixels are made here.
    const times = smooth ? Math.max(1, Math.min(8, Math.ceil((2 * w) / sw))) : 1
    part.width = Math.round(sw * times)
    part.height = Math.round(sh * times)
    const context = part.getContext('2d')
    if (context) context.imageSmoothingEnabled = smooth
    context?.drawImage(image, sx, sy, sw, sh, 0, 0, part.width, part.height)
    const { a, b, c, d, e, f } = this.#state.matrix
    this.#add(
      `<image transform="matrix(${[a, b, c, d, e, f].map(digits).join(' ')})" x="${digits(x)}" y="${digits(y)}" width="${digits(w)}" height="${digits(h)}" preserveAspectRatio="none" style="image-rendering:${smooth ? 'auto' : 'pixelated'}" href="${part.toDataURL('image/png')}"${this.#alpha()}/>`,
    )
  }
}

/** What `draw` draws, as elements of SVG; undefined if it draws what cannot be written so. */
export function drawnAsSvg(draw: (context: CanvasRenderingContext2D) => void): string | undefined {
  const context = new SvgContext()
  try {
    draw(context as unknown as CanvasRenderingContext2D)
  } catch {
    return undefined
  }
  return context.parts.join('')
}
