/** The lab's server: what it gives, what it refuses, and the runs beside it. */
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { RunsFolder } from '../src/lab/runs.ts'
import { type LabServer, serveLab } from '../src/lab/server.ts'

const base = mkdtempSync(join(tmpdir(), 'glissade-lab-'))
const [page, runs] = [join(base, 'page'), join(base, 'runs')]
let server: LabServer

beforeAll(async () => {
  mkdirSync(join(page, 'assets'), { recursive: true })
  writeFileSync(join(page, 'index.html'), '<!doctype html><title>lab</title>')
  writeFileSync(join(page, 'assets/app.js'), 'export {}')
  writeFileSync(join(base, 'secret.txt'), 'not for anyone')
  symlinkSync(join(base, 'secret.txt'), join(page, 'link.txt'))
  mkdirSync(join(runs, 'first/checkpoints'), { recursive: true })
  mkdirSync(join(runs, 'deep/second'), { recursive: true })
  writeFileSync(join(runs, 'first/config.json'), '{}')
  writeFileSync(join(runs, 'first/metrics.jsonl'), '{"event":"step","step":1}\n')
  writeFileSync(join(runs, 'first/lock.json'), '{}')
  writeFileSync(join(runs, 'first/checkpoints/step-1.safetensors'), 'x')
  writeFileSync(join(runs, 'first/private.key'), 'x')
  writeFileSync(join(runs, 'deep/second/model.safetensors'), 'x')
  server = await serveLab({ page, runs: await RunsFolder.open(runs), port: 0 })
})
afterAll(async () => {
  await server.close()
  rmSync(base, { recursive: true, force: true })
})

interface Answer {
  readonly status: number | undefined
  readonly headers: Readonly<Record<string, unknown>>
  readonly text: string
}

/** A request with the path exactly as it is written. */
function ask(path: string, headers: Record<string, string> = {}, method = 'GET'): Promise<Answer> {
  const { hostname, port } = new URL(server.address)
  return new Promise((resolve, reject) => {
    const sent = request({ hostname, port, path, method, headers }, (response) => {
      let text = ''
      response.on('data', (chunk: Buffer) => {
        text += chunk.toString()
      })
      response.on('end', () => resolve({ status: response.statusCode, headers: response.headers, text }))
    })
    sent.on('error', reject)
    sent.end()
  })
}

describe('the lab server', () => {
  it('gives the page with the headers that isolate it', async () => {
    const { status, headers, text } = await ask('/')
    expect(status).toBe(200)
    expect(text).toContain('<title>lab</title>')
    expect(headers['cross-origin-opener-policy']).toBe('same-origin')
    expect(headers['cross-origin-embedder-policy']).toBe('require-corp')
    expect(headers['content-security-policy']).toMatch(/default-src 'none'.*script-src 'self' 'wasm-unsafe-eval';/)
    expect((await ask('/assets/app.js')).headers['content-type']).toMatch(/^text\/javascript/)
  })

  it.each([
    ['/../secret.txt', 404],
    ['/..%2fsecret.txt', 404],
    ['/%2e%2e/secret.txt', 404],
    ['/link.txt', 404],
    ['/assets', 404],
    ['/nothing.js', 404],
    ['/%00', 400],
    ['/%', 400],
    ['/runs/first/private.key', 404],
    ['/runs/first/lock.json', 404],
    ['/runs/../secret.txt', 404],
    ['/runs/deep/..%2f..%2f..%2fsecret.txt', 404],
  ])('refuses %s', async (path, status) => {
    const answer = await ask(path)
    expect(answer.status).toBe(status)
    expect(answer.text).not.toContain('not for anyone')
  })

  it('answers to its own name only, to its own page only, and to questions only', async () => {
    expect((await ask('/', { Host: 'lab.example.com' })).status).toBe(403)
    expect((await ask('/', { Origin: 'https://example.com' })).status).toBe(403)
    expect((await ask('/', { Origin: 'null' })).status).toBe(403)
    expect((await ask('/', { Origin: server.address.slice(0, -1) })).status).toBe(200)
    expect((await ask('/', {}, 'POST')).status).toBe(405)
    expect((await ask('/', {}, 'HEAD')).text).toBe('')
  })

  it('lists runs, newest first, with the files that belong to them', async () => {
    const { runs } = JSON.parse((await ask('/runs/index.json')).text) as {
      runs: { name: string; live: boolean; files: string[] }[]
    }
    expect(runs.map(({ name }) => name).sort()).toEqual(['deep/second', 'first'])
    const first = runs.find(({ name }) => name === 'first')
    expect(first?.live).toBe(true)
    expect(first?.files.sort()).toEqual(['checkpoints/step-1.safetensors', 'config.json', 'metrics.jsonl'])
    expect((await ask('/runs/first/metrics.jsonl')).text).toContain('"step":1')
    expect((await ask('/runs/deep/second/model.safetensors')).status).toBe(200)
  })

  it('takes the next port where one is taken', async () => {
    const taken = Number(new URL(server.address).port)
    const second = await serveLab({ page, port: taken })
    expect(Number(new URL(second.address).port)).toBeGreaterThan(taken)
    expect((await fetch(second.address)).status).toBe(200)
    await second.close()
  })
})
