/** Where numbers stand in pictures: every place of a picture gives back the number that is drawn there. */
import { describe, expect, test } from 'vitest'
import { cellOf, elementAt, indexOf, indexText, tilesOf } from '../src/ui/tiles.ts'
import { unitPlaces } from '../src/views/unit/unit.tsx'
import { meaningOf } from '../src/views/unit/weight-card.tsx'
import type { RunInfo } from '../src/worker/protocol.ts'

describe('pictures of arrays', () => {
  test.each([[[]], [[7]], [[784]], [[4, 2]], [[12, 48]], [[8, 14, 14]], [[16, 8, 3, 3]], [[8, 1, 5, 5]], [[10, 784]]])(
    'of shape %j: each cell is found again',
    (shape) => {
      const tiles = tilesOf(shape, 300, 140)
      const size = shape.reduce((product, n) => product * n, 1)
      for (let element = 0; element < size; element += Math.max(1, Math.floor(size / 97))) {
        const [x, y] = cellOf(tiles, element)
        expect(elementAt(tiles, x + tiles.cellWidth / 2, y + tiles.cellHeight / 2)).toBe(element)
        expect(x + tiles.cellWidth).toBeLessThanOrEqual(tiles.width + 1e-6)
        expect(y + tiles.cellHeight).toBeLessThanOrEqual(tiles.height + 1e-6)
      }
      expect(elementAt(tiles, -1, 0)).toBeUndefined()
      expect(elementAt(tiles, tiles.width + 1, 0)).toBeUndefined()
    },
  )

  test('kernels stand in a table of outputs and inputs, maps side by side', () => {
    expect(tilesOf([16, 8, 3, 3], 300, 140)).toMatchObject({ down: 16, across: 8 })
    expect(tilesOf([8, 14, 14], 300, 140).across).toBeGreaterThan(2)
  })

  test('indices are row-major', () => {
    expect(indexOf([2, 3, 4], 17)).toEqual([1, 1, 1])
    expect(indexText([], 0)).toBe('[]')
  })
})

describe('units', () => {
  test('have their numbers along the other axes', () => {
    expect(unitPlaces({ outputShape: [5], unitAxis: 0 }, 3)).toEqual({ shape: [], at: [3] })
    expect(unitPlaces({ outputShape: [3, 4], unitAxis: 1 }, 2)).toEqual({ shape: [3], at: [2, 6, 10] })
    expect(unitPlaces({ outputShape: [2, 2, 2], unitAxis: 0 }, 1)).toEqual({ shape: [2, 2], at: [4, 5, 6, 7] })
  })

  test('weights say between which units they stand', () => {
    const module = { path: '0', kind: 'linear', from: [''], parameters: [{ name: '0.weight', shape: [4, 2] }] }
    const info = { features: ['x', 'y'], labels: [], modules: [module] } as unknown as RunInfo
    expect(meaningOf(info, '0.weight', 5)).toBe('from y to unit 3')
    const conv = { path: '0', kind: 'conv2d', from: [''], parameters: [{ name: '0.weight', shape: [4, 2, 3, 3] }] }
    const images = { features: [], labels: [], modules: [conv] } as unknown as RunInfo
    expect(meaningOf(images, '0.weight', 18 + 9 + 5)).toBe('from channel 2 to channel 2, at [1, 2] of the kernel')
  })
})
