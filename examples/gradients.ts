/**
 * Gradients of functions: slopes, slopes of slopes, and a check against finite differences.
 *
 * Run it: node scripts/run.mjs examples/gradients.ts
 */
import { grad, gradCheck, type Tensor, tensor } from 'glissade'

// the slope of x³ at 2, and its slope, and its slope
const cube = (x: Tensor): Tensor => x.pow(3).sum()
const x = tensor([2])
console.log('x³ at 2:', await cube(x).item())
console.log('first derivative:', await grad(cube)(x).item())
console.log('second derivative:', await grad((x: Tensor) => grad(cube)(x).sum())(x).item())

// which way is down? one step of gradient descent on Rosenbrock's banana after another
const banana = (p: Tensor): Tensor => {
  const [a, b] = p.split([1, 1])
  return a.neg().add(1).square().add(b.sub(a.square()).square().mul(100)).sum()
}
let p = tensor([-1, 1])
const down = grad(banana)
for (let i = 0; i < Number(process.env.STEPS ?? 200); i++) p = p.sub(down(p).mul(0.001))
console.log('after descent:', await p.data())

// never believe a gradient that was not compared with differences
const worst = gradCheck(
  (a, b) => a.matmul(b).softmax().log(),
  [
    tensor([
      [1, 2],
      [3, 4],
    ]),
    tensor([
      [0.5, -1],
      [0.2, 0.3],
    ]),
  ],
  { order: 2 },
)
console.log('largest relative error of the gradients of log softmax(ab):', worst)
