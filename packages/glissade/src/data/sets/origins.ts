/**
 * The addresses of the files of named sets, and what their bytes must hash to. Facts about the sets: catalogue.ts.
 *
 * Addresses at GitHub name a commit, so that what is behind them never changes. Checksums in md5 are those that the
 * makers, or torchvision, publish; those in sha256 were computed from the files of that commit. Two have none: the
 * archive of spoken digits is packed anew by the server, and Quick, Draw! publishes none.
 */

export interface SetFile {
  /** Under the folder that the user names, and in the cache. */
  readonly path: string
  readonly url?: string
  readonly sha256?: string
  readonly md5?: string
}

/** A repository at a commit. */
const github = (repository: string, commit: string): string =>
  `https://raw.githubusercontent.com/${repository}/${commit}`

const fashion = 'https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion'
const sst2 = github('clairett/pytorch-sentiment-classification', '457ffd83de90a9d6d472d8ffc31bbffe40a8b236')
const multi30k = github('multi30k/dataset', 'a3d2e0d26b56f3846f66a952536ffed4e401d05a')
const brownlee = github('jbrownlee/Datasets', 'd20fcb6402ae34e653d4513b00f39257bb37ed7f')
const makemore = github('karpathy/makemore', '988aa59e4d8fefa526d06f3b453ad116258398d4')
const charRnn = github('karpathy/char-rnn', '6f9487a6fe5b420b7ca9afb0d7c078e37c1d1b4e')
const ett = github('zhouhaoyi/ETDataset', '1d16c8f4f943005d613b5bc962e9eeb06058cf07')
const lake = github('brendenlake/omniglot', '057f034baf2ecb8530bc5710e5a23584d2a519cc')
const geron = github('ageron/handson-ml2', '1e2115277b50f6c584cd668fa30e3af309a5b136')
const uci = 'https://archive.ics.uci.edu/ml/machine-learning-databases'

const idxNames = ['train-images-idx3', 'train-labels-idx1', 't10k-images-idx3', 't10k-labels-idx1'] as const

const idxFiles = (folder: string, url: string, md5: readonly string[]): readonly SetFile[] =>
  idxNames.map((name, i) => ({ path: `${folder}/${name}-ubyte.gz`, url: `${url}/${name}-ubyte.gz`, md5: md5[i] }))

const multi30kHashes: Readonly<Record<string, string>> = {
  'train.de': '726e39b2fa9eb9ffb6dc763fb35a179f80fae06ffc5d28b6ace5faa883de28a6',
  'val.de': 'f0cba2f995189cf5770f29a8a9a537a3ad3f51657ad873405082ff6863a5e75a',
  'test_2016_flickr.de': '9204244e408ccb38d2a55cfcd344df15005fc42a07a6e55ca6c52b6ababb8cc8',
  'train.en': 'd79cfa999dd4c51d2cb42499b6796d5a882c3a8a961923c25a898c90f8bbd56f',
  'val.en': '14f7d25ddd868909a9213e361768460edcacdd6ab9d1e77b92560dc10c10dc28',
  'test_2016_flickr.en': '611d361c6334bc7246101d48097c13cf5c4413c5befc793cc629934359d532d9',
  'train.fr': '622e75069e9f4c577425c4f277116ce66e63a2401c0a2312d90073cb12379a3c',
  'val.fr': 'ca3106f1a72390591d25f6c45cb4cd39dec4cd3f123e099748a3ce5256c160e9',
  'test_2016_flickr.fr': '6d326e188d259fb1d04ac19eae3af956559b3a0b93d7635e56c90987c40c8b90',
}

export const origins = {
  mnist: idxFiles('mnist', 'https://ossci-datasets.s3.amazonaws.com/mnist', [
    'f68b3c2dcbeaaa9fbdd348bbdeb94873',
    'd53e105ee54ea40749a09fcbcd1e9432',
    '9fb629c4189551a2d022fa330f9573f3',
    'ec29112dd5afa0611ce80d1b7f02629c',
  ]),
  fashionMnist: idxFiles('fashion-mnist', fashion, [
    '8d4fb7e6c68d591d4c3dfef9ec88bf0d',
    '25c81989df183df01b3e8a0aad5dffbe',
    'bef4ecab320f06d8554ea6380940ec79',
    'bb300cfdad3c16e7a12a480ee83cd310',
  ]),
  cifar10: [
    {
      path: 'cifar10/cifar-10-binary.tar.gz',
      url: 'https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz',
      md5: 'c32a1d4ab5d03f1284b67883e8d87530',
    },
    // A lossy copy, which is read from a folder and never fetched.
    { path: 'cifar10/cifar10-jpg-full.tar.gz' },
  ],
  omniglot: [
    {
      path: 'fewshot/omniglot_images_background_small1.zip',
      url: `${lake}/python/images_background_small1.zip`,
      sha256: 'f38eb80f801274ac2b4dff5b24289016bfaba4a7d5bb50deebf27104ad6cb8a4',
    },
    {
      path: 'fewshot/omniglot_images_background_small2.zip',
      url: `${lake}/python/images_background_small2.zip`,
      sha256: '3ccaa407515a8778e5d0861875af38b17e418f301ad5bb3b5a6b65d901a41c7f',
    },
  ],
  houses: [
    {
      path: 'tabular/california-housing.csv',
      url: `${geron}/datasets/housing/housing.csv`,
      sha256: '8a3727f4cf54ac1a327f69b1d5b4db54c5834ea81c6e4efc0d163300022a685e',
    },
  ],
  adult: [
    { path: 'tabular/adult-train.csv', url: `${uci}/adult/adult.data`, md5: '5d7c39d7b8804f071cdd1f2a7c460872' },
    { path: 'tabular/adult-test.csv', url: `${uci}/adult/adult.test`, md5: '35238206dfdf7f1fe215bbb874adecdc' },
  ],
  diabetes: [
    {
      path: 'tabular/pima-indians-diabetes.csv',
      url: `${brownlee}/pima-indians-diabetes.data.csv`,
      sha256: '6bfe5d0f379d17a0e0819b996407e3c09bf80febd4287f2ed212190dfff154af',
    },
  ],
  names: [
    {
      path: 'text/names.txt',
      url: `${makemore}/names.txt`,
      sha256: '0a30b5557f192f32ab962680889aac5f6fda0f4cecf40a6d0b5694f58ea8cc4d',
    },
  ],
  shakespeare: [
    {
      path: 'text/tinyshakespeare.txt',
      url: `${charRnn}/data/tinyshakespeare/input.txt`,
      sha256: '86c4e6aa9db7c042ec79f339dcb96d42b0075e16b8fc2e86bf0ca57e2dc565ed',
    },
  ],
  sst2: [
    {
      path: 'text/sst2.train.tsv',
      url: `${sst2}/data/SST2/train.tsv`,
      sha256: 'ec192f833a64da08f475488a77b0d0b47db47acd0f458bd18433fc793b569920',
    },
    {
      path: 'text/sst2.dev.tsv',
      url: `${sst2}/data/SST2/dev.tsv`,
      sha256: 'eddea6b39e601dd4e7a672b53cc40fdf6019fa80522f351206c24340ca5d9359',
    },
    {
      path: 'text/sst2.test.tsv',
      url: `${sst2}/data/SST2/test.tsv`,
      sha256: '831169c7e2e429d6026e1bdbb542f33b636e3e596caad9602ebc953c205928b7',
    },
  ],
  multi30k: Object.entries(multi30kHashes).map(
    ([name, sha256]): SetFile => ({
      path: `text/multi30k.${name}.gz`,
      url: `${multi30k}/data/task1/raw/${name}.gz`,
      sha256,
    }),
  ),
  spokenDigits: [
    {
      path: 'fsdd/fsdd-recordings.tar.gz',
      url: 'https://github.com/Jakobovski/free-spoken-digit-dataset/archive/refs/tags/v1.0.10.tar.gz',
    },
  ],
  ettH1: [
    {
      path: 'timeseries/ETTh1.csv',
      url: `${ett}/ETT-small/ETTh1.csv`,
      sha256: 'f18de3ad269cef59bb07b5438d79bb3042d3be49bdeecf01c1cd6d29695ee066',
    },
  ],
  airlinePassengers: [
    {
      path: 'timeseries/airline-passengers.csv',
      url: `${brownlee}/airline-passengers.csv`,
      sha256: '8cb51be753a718d9be5d76d7e238cc224792754676adc21faa59e954b0201621',
    },
  ],
  minTemperatures: [
    {
      path: 'timeseries/daily-min-temperatures.csv',
      url: `${brownlee}/daily-min-temperatures.csv`,
      sha256: '8b9de63ed6789492bf497625e7f9beb96a63d367b4b0a21754006f749fa5e5da',
    },
  ],
} as const satisfies Record<string, readonly SetFile[]>

/** One file for each thing drawn. */
export const quickdrawFile = (name: string): SetFile => ({
  path: `quickdraw/${name}.npy`,
  url: `https://storage.googleapis.com/quickdraw_dataset/full/numpy_bitmap/${encodeURIComponent(name)}.npy`,
})
