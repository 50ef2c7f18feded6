/**
 * The C that every generated program begins with: scalar helpers, and vector types with their helpers
 * for each width in use. No header is included: <immintrin.h> alone takes longer to read than most
 * programs take to compile, so instructions are named by the compilers' own built-ins, each behind
 * `__has_builtin` with a portable body beside it.
 *
 * Names: `vf16`, `vi16` are vectors of 16 f32 or i32; `uf16`, `ui16` the same at any address; `max_f16`
 * is max on them, `max_f1` on scalars. Defining GLISSADE_PORTABLE leaves every built-in out (the
 * toolchain falls back to it). Next: print-c.ts, which uses these names.
 */

/** The widths for which vector types can be made. */
export const vectorWidths: readonly number[] = [2, 4, 8, 16]

const scalars = `
typedef __INT64_TYPE__ ix;
#ifndef __has_builtin
#define __has_builtin(x) 0
#endif
#if defined(__clang__) || __GNUC__ >= 10
#define HAS(x) __has_builtin(x)
#else
#define HAS(x) 0
#endif
#if defined(GLISSADE_PORTABLE)
#undef HAS
#define HAS(x) 0
#endif
#if defined(__x86_64__) && !defined(__clang__) && !defined(GLISSADE_PORTABLE)
#define X86 1
#else
#define X86 0
#endif
#if defined(__clang__) || HAS(__builtin_shufflevector)
#define SHUFFLE(n, a, b, ...) __builtin_shufflevector(a, b, __VA_ARGS__)
#else
#define SHUFFLE(n, a, b, ...) __builtin_shuffle(a, b, (vi##n){__VA_ARGS__})
#endif
#define FN static inline __attribute__((always_inline, unused))
/* GCC would hoist all constants out of all loops, only to keep them on the stack; in the loop an instruction reads its own. */
#if defined(__GNUC__) && !defined(__clang__) && !defined(GLISSADE_PORTABLE)
#define NO_HOIST __attribute__((optimize("no-gcse", "no-move-loop-invariants")))
#else
#define NO_HOIST
#endif
FN float as_f1(int a) { float r; __builtin_memcpy(&r, &a, 4); return r; }
FN int as_i1(float a) { int r; __builtin_memcpy(&r, &a, 4); return r; }
FN float min_f1(float a, float b) { return a < b || a != a ? a : b; }
FN float max_f1(float a, float b) { return a > b || a != a ? a : b; }
FN int min_i1(int a, int b) { return a < b ? a : b; }
FN int max_i1(int a, int b) { return a > b ? a : b; }
FN ix min_ix(ix a, ix b) { return a < b ? a : b; }
FN ix max_ix(ix a, ix b) { return a > b ? a : b; }
FN float abs_f1(float a) { return as_f1(as_i1(a) & 0x7fffffff); }
FN int abs_i1(int a) { return a < 0 ? -a : a; }
FN int div_i1(int a, int b) { return b == 0 ? 0 : b == -1 ? -a : a / b; }
FN int to_i1(float a) {
  return a != a ? 0 : a >= 2147483648.0f ? 2147483647 : a < -2147483648.0f ? -2147483647 - 1 : (int)a;
}
#if !defined(GLISSADE_PORTABLE) && (defined(__FMA__) || defined(__ARM_FEATURE_FMA) || defined(__FP_FAST_FMAF))
FN float fma_f1(float a, float b, float c) { return __builtin_fmaf(a, b, c); }
#else
FN float fma_f1(float a, float b, float c) { return a * b + c; }
#endif
/* Adding and taking away 2^23 leaves no fraction bits: the sum is rounded half to even. */
FN float round_f1(float a) {
#if defined(__SSE4_1__) || defined(__aarch64__)
  return __builtin_rintf(a);
#else
  float t = abs_f1(a), r = t < 8388608.0f ? (t + 8388608.0f) - 8388608.0f : t;
  return t == t ? as_f1(as_i1(r) | (as_i1(a) & (-2147483647 - 1))) : a;
#endif
}
FN float floor_f1(float a) {
#if defined(__SSE4_1__) || defined(__aarch64__)
  return __builtin_floorf(a);
#else
  float r = round_f1(a);
  return r > a ? r - 1.0f : r;
#endif
}
`

const lanesOf = (n: number, each: (lane: number) => string): string =>
  Array.from({ length: n }, (_, lane) => each(lane)).join(', ')

/** GCC's names for the instructions of the x86 vector sets; clang spells most of them generically. */
interface X86Names {
  readonly guard: string
  readonly fma: string
  readonly min: string
  readonly max: string
  readonly sqrt: string
  readonly floor: string
  readonly round: string
  readonly truncate: string
  /** Masked loads from `p[i]`; unset where the set has none. */
  readonly gather?: (type: 'f' | 'i', mask: string) => string
  /** Lanes of `*p` where the mask holds, 0 elsewhere, and the set that has it. */
  readonly load: { readonly guard: string; readonly of: (type: 'f' | 'i') => string }
}

const x86: Record<number, X86Names> = {
  16: {
    guard: '__AVX512F__',
    fma: '__builtin_ia32_vfmaddps512_mask(a, b, c, (unsigned short)-1, 4)',
    min: '__builtin_ia32_minps512_mask(a, b, a, (unsigned short)-1, 4)',
    max: '__builtin_ia32_maxps512_mask(a, b, a, (unsigned short)-1, 4)',
    sqrt: '__builtin_ia32_sqrtps512_mask(a, a, (unsigned short)-1, 4)',
    floor: '__builtin_ia32_rndscaleps_mask(a, 9, a, (unsigned short)-1, 4)',
    round: '__builtin_ia32_rndscaleps_mask(a, 8, a, (unsigned short)-1, 4)',
    truncate: '__builtin_ia32_cvttps2dq512_mask(a, (vi16)a, (unsigned short)-1, 4)',
    gather: (type, mask) =>
      `__builtin_ia32_gathersiv16s${type}((v${type}16){0}, p, i, ${mask === '' ? '(unsigned short)-1' : `__builtin_ia32_ptestmd512(${mask}, ${mask}, (unsigned short)-1)`}, 4)`,
    load: {
      guard: '__AVX512F__',
      of: (type) =>
        `__builtin_ia32_load${type === 'f' ? 'ups' : 'dqusi'}512_mask((const void *)p, (v${type}16){0}, __builtin_ia32_ptestmd512(m, m, (unsigned short)-1))`,
    },
  },
  8: {
    guard: '__AVX2__',
    fma: '__builtin_ia32_vfmaddps256(a, b, c)',
    min: '__builtin_ia32_minps256(a, b)',
    max: '__builtin_ia32_maxps256(a, b)',
    sqrt: '__builtin_ia32_sqrtps256(a)',
    floor: '__builtin_ia32_roundps256(a, 9)',
    round: '__builtin_ia32_roundps256(a, 8)',
    truncate: '__builtin_ia32_cvttps2dq256(a)',
    gather: (type, mask) =>
      `__builtin_ia32_gathersiv8s${type}((v${type}8){0}, p, i, (v${type}8)(${mask === '' ? '~(vi8){0}' : mask}), 4)`,
    load: {
      guard: '__AVX2__',
      of: (type) => `__builtin_ia32_maskload${type === 'f' ? 'ps' : 'd'}256((const void *)p, m)`,
    },
  },
  4: {
    guard: '__SSE4_1__',
    fma: '__builtin_ia32_vfmaddps(a, b, c)',
    min: '__builtin_ia32_minps(a, b)',
    max: '__builtin_ia32_maxps(a, b)',
    sqrt: '__builtin_ia32_sqrtps(a)',
    floor: '__builtin_ia32_roundps(a, 9)',
    round: '__builtin_ia32_roundps(a, 8)',
    truncate: '__builtin_ia32_cvttps2dq(a)',
    load: {
      guard: '__AVX2__',
      of: (type) => `__builtin_ia32_maskload${type === 'f' ? 'ps' : 'd'}((const void *)p, m)`,
    },
  },
}

/** `#if CONDITION` instruction `#else` portable `#endif`, inside a function that returns its last value. */
const choose = (cases: readonly (readonly [condition: string, body: string])[], portable: string): string =>
  `${cases.map(([condition, body], k) => `#${k === 0 ? 'if' : 'elif'} ${condition}\n  ${body}\n`).join('')}${cases.length === 0 ? '' : '#else\n'}  ${portable}\n${cases.length === 0 ? '' : '#endif\n'}`

function vectors(n: number): string {
  const f = `vf${n}`
  const i = `vi${n}`
  const names = x86[n]
  const onX86 = (body: string | undefined, extra = ''): [string, string][] =>
    names && body !== undefined ? [[`X86 && defined(${names.guard})${extra}`, `return (${body});`]] : []
  const elementwise = (fn: string): [string, string] => [
    `HAS(__builtin_elementwise_${fn})`,
    `return __builtin_elementwise_${fn}(a);`,
  ]
  // GCC's names for NEON; clang has the elementwise ones.
  const onArm = (fn: string): [string, string][] =>
    n === 4 ? [[`HAS(__builtin_aarch64_${fn}v4sf)`, `return __builtin_aarch64_${fn}v4sf(a);`]] : []
  const gather = (type: 'f' | 'i'): string => `
FN v${type}${n} loadm_${type}${n}(const void *q, ${i} m) {
  const ${type === 'f' ? 'float' : 'int'} *p = q;
${choose(
  names ? [[`X86 && defined(${names.load.guard})`, `return (${names.load.of(type)});`]] : [],
  `return (v${type}${n}){${lanesOf(n, (k) => `m[${k}] ? p[${k}] : 0`)}};`,
)}}
FN v${type}${n} gather_${type}${n}(const void *q, ${i} i) {
  const ${type === 'f' ? 'float' : 'int'} *p = q;
${choose(onX86(names?.gather?.(type, '')), `return (v${type}${n}){${lanesOf(n, (k) => `p[i[${k}]]`)}};`)}}
FN v${type}${n} gatherm_${type}${n}(const void *q, ${i} i, ${i} m) {
  const ${type === 'f' ? 'float' : 'int'} *p = q;
${choose(onX86(names?.gather?.(type, 'm')), `return (v${type}${n}){${lanesOf(n, (k) => `m[${k}] ? p[i[${k}]] : 0`)}};`)}}
FN void scatter_${type}${n}(void *q, ${i} i, v${type}${n} v) {
  ${type === 'f' ? 'float' : 'int'} *p = q;
  ${lanesOf(n, (k) => `p[i[${k}]] = v[${k}]`)};
}`
  return `
typedef float ${f} __attribute__((vector_size(${4 * n})));
typedef int ${i} __attribute__((vector_size(${4 * n})));
typedef unsigned vu${n} __attribute__((vector_size(${4 * n})));
typedef float uf${n} __attribute__((vector_size(${4 * n}), aligned(4), may_alias));
typedef int ui${n} __attribute__((vector_size(${4 * n}), aligned(4), may_alias));
FN ${i} sel_i${n}(${i} m, ${i} a, ${i} b) { return (a & m) | (b & ~m); }
FN ${f} sel_f${n}(${i} m, ${f} a, ${f} b) { return (${f})sel_i${n}(m, (${i})a, (${i})b); }
FN ${f} abs_f${n}(${f} a) { return (${f})((${i})a & 0x7fffffff); }
FN ${i} abs_i${n}(${i} a) { ${i} s = a >> 31; return (a ^ s) - s; }
FN ${i} min_i${n}(${i} a, ${i} b) { return sel_i${n}(a < b, a, b); }
FN ${i} max_i${n}(${i} a, ${i} b) { return sel_i${n}(a > b, a, b); }
static __attribute__((noinline, unused)) ${i} div_i${n}(${i} a, ${i} b) { return (${i}){${lanesOf(n, (k) => `div_i1(a[${k}], b[${k}])`)}}; }
FN ${i} shru_i${n}(${i} a, ${i} b) { return (${i})((vu${n})a >> (vu${n})b); }
FN ${f} fma_f${n}(${f} a, ${f} b, ${f} c) {
#if defined(__clang__) && !defined(GLISSADE_PORTABLE)
#pragma clang fp contract(on)
  return a * b + c;
#elif defined(__aarch64__) && ${n} == 4 && !defined(GLISSADE_PORTABLE)
  return (${f})__builtin_aarch64_fmav4sf(a, b, c);
${names ? `#elif X86 && defined(${names.guard}) && defined(__FMA__)\n  return (${names.fma});\n` : ''}#else
  return a * b + c;
#endif
}
/* Where a or b is NaN these give b: right only if a cannot be NaN. */
FN ${f} minb_f${n}(${f} a, ${f} b) {
${choose(onX86(names?.min), `return sel_f${n}(a < b, a, b);`)}}
FN ${f} maxb_f${n}(${f} a, ${f} b) {
${choose(onX86(names?.max), `return sel_f${n}(a > b, a, b);`)}}
FN ${f} min_f${n}(${f} a, ${f} b) { return sel_f${n}(a != a, a, minb_f${n}(a, b)); }
FN ${f} max_f${n}(${f} a, ${f} b) { return sel_f${n}(a != a, a, maxb_f${n}(a, b)); }
FN ${f} sqrt_f${n}(${f} a) {
${choose([...onX86(names?.sqrt), elementwise('sqrt'), ...onArm('sqrt')], `return (${f}){${lanesOf(n, (k) => `__builtin_sqrtf(a[${k}])`)}};`)}}
FN ${f} round_f${n}(${f} a) {
${choose(
  [...onX86(names?.round), elementwise('roundeven'), ...onArm('roundeven')],
  `${f} t = abs_f${n}(a), r = sel_f${n}(t < 8388608.0f, (t + 8388608.0f) - 8388608.0f, t);
  return (${f})((${i})r | ((${i})a & (-2147483647 - 1)));`,
)}}
FN ${f} floor_f${n}(${f} a) {
${choose([...onX86(names?.floor), elementwise('floor'), ...onArm('floor')], `${f} r = round_f${n}(a); return sel_f${n}(r > a, r - 1.0f, r);`)}}
FN ${f} to_f${n}(${i} a) { return __builtin_convertvector(a, ${f}); }
/* The x86 instruction gives INT_MIN out of range: flipping all bits makes that INT_MAX. */
FN ${i} to_i${n}(${f} a) {
${choose(
  names
    ? [
        [
          `X86 && defined(${names.guard})`,
          `return ((${names.truncate}) ^ (${i})(a >= 2147483648.0f)) & (${i})(a == a);`,
        ],
      ]
    : [],
  `${i} low = a < -2147483648.0f, high = a >= 2147483648.0f;
  ${i} r = __builtin_convertvector(sel_f${n}((a == a) & ~low & ~high, a, (${f}){0}), ${i});
  return sel_i${n}(high, 2147483647 + (${i}){0}, sel_i${n}(low, (-2147483647 - 1) + (${i}){0}, r));`,
)}}
${gather('f')}${gather('i')}
${(['f', 'i'] as const).map((type) => halves(type, n)).join('')}`
}

/** Combines all lanes: the lower half with the upper half, until one lane is left. */
function halves(type: 'f' | 'i', n: number): string {
  const scalar = type === 'f' ? 'float' : 'int'
  const half = n / 2
  const apply = (fn: string, width: number, a: string, b: string): string =>
    fn === 'add' ? `${a} + ${b}` : fn === 'mul' ? `${a} * ${b}` : `${fn}_${type}${width}(${a}, ${b})`
  const cut = (name: string, first: number): string => `FN v${type}${half} ${name}_${type}${n}(v${type}${n} v) {
#if HAS(__builtin_shufflevector)
  return __builtin_shufflevector(v, v, ${lanesOf(half, (k) => String(first + k))});
#else
  v${type}${half} r;
  __builtin_memcpy(&r, (char *)&v + ${4 * first}, ${4 * half});
  return r;
#endif
}
`
  const join = `FN v${type}${n} join_${type}${n}(v${type}${half} a, v${type}${half} b) {
#if HAS(__builtin_shufflevector)
  return __builtin_shufflevector(a, b, ${lanesOf(n, String)});
#else
  v${type}${n} r;
  __builtin_memcpy(&r, &a, ${4 * half});
  __builtin_memcpy((char *)&r + ${4 * half}, &b, ${4 * half});
  return r;
#endif
}
`
  return (
    (half > 1 ? cut('low', 0) + cut('high', half) + join : '') +
    ['add', 'mul', 'min', 'max']
      .map((fn) =>
        half === 1
          ? `FN ${scalar} all${fn}_${type}${n}(v${type}${n} v) { ${scalar} a = v[0], b = v[1]; return ${apply(fn, 1, 'a', 'b')}; }\n`
          : `FN ${scalar} all${fn}_${type}${n}(v${type}${n} v) { v${type}${half} a = low_${type}${n}(v), b = high_${type}${n}(v); return all${fn}_${type}${half}(${apply(fn, half, 'a', 'b')}); }\n`,
      )
      .join('')
  )
}

const cached = new Map<number, string>()

/** The prelude for programs whose widest vectors have `lanes` lanes. */
export function prelude(lanes: number): string {
  let text = cached.get(lanes)
  if (text === undefined) {
    text =
      scalars +
      vectorWidths
        .filter((n) => n <= lanes)
        .map(vectors)
        .join('')
    cached.set(lanes, text)
  }
  return text
}
