import { test } from 'vitest'
import { compile } from '../../../glissade/src/run/compile.ts'
import { setBackend } from '../../../glissade/src/run/backend.ts'
import { data, loss, manualSeed, optim } from 'glissade'
import { digitsNetwork } from '../../src/digits/network.ts'
test('x', async () => {
  const b = await setBackend(process.env.B as 'wasm' ?? 'native')
  console.log(b.description)
  manualSeed(0)
  const model = digitsNetwork()
  const { train } = await data.digits()
  const optimizer = optim.adamW({ lr: 1e-3 }).for(model)
  const step = compile((x: any, y: any) => { const logits = model.forward(x); const l = loss.crossEntropy(logits, y); optimizer.minimize(l); return { l, c: logits.argMax(-1).eq(y).sum() } })
  let n = 0
  for await (const { x, y } of train.batches(64, { shuffle: true })) {
    const t = performance.now()
    const r = await step(x, y)
    const l = await r.l.item()
    if (n < 5 || n % 10 === 0) console.log(n, l, await r.c.item(), (performance.now() - t).toFixed(1))
    if (n++ > 50) break
  }
}, 200000)
