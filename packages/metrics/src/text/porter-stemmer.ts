/** Removes `suffix` and puts `replacement` there, where what remains passes `when`. The first suffix that fits decides. */
type Rule = readonly [suffix: string, replacement: string, when?: (stem: string) => boolean];

/**
 * The stem of a lower-case English word by Porter's algorithm ("An algorithm for suffix stripping", 1980) with the
 * extensions that NLTK adds by default, which ROUGE's reference implementation uses.
 */
export function porterStem(word: string): string {
  const irregular = irregularForms.get(word);
  if (irregular) return irregular;
  if (word.length <= 2) return word;
  return [
    pluralEnding,
    pastEnding,
    finalY,
    doubleSuffix,
    simpleSuffix,
    lastSuffix,
    finalE,
    doubleL,
  ].reduce((stem, step) => step(stem), word);
}

const irregularForms = new Map(
  Object.entries({
    sky: "sky skies",
    die: "dying",
    lie: "lying",
    tie: "tying",
    news: "news",
    inning: "innings inning",
    outing: "outings outing",
    canning: "cannings canning",
    howe: "howe",
    proceed: "proceed",
    exceed: "exceed",
    succeed: "succeed",
  }).flatMap(([stem, forms]) => forms.split(" ").map((form) => [form, stem] as const)),
);

/** Step 1a. */
function pluralEnding(word: string): string {
  if (word.length === 4 && word.endsWith("ies")) return word.slice(0, -1);
  return apply(word, [
    ["sses", "ss"],
    ["ies", "i"],
    ["ss", "ss"],
    ["s", ""],
  ]);
}

/** Step 1b. */
function pastEnding(word: string): string {
  if (word.endsWith("ied")) return word.slice(0, word.length === 4 ? -1 : -2);
  if (word.endsWith("eed")) return apply(word, [["eed", "ee", hasMeasure]]);
  const ending = ["ed", "ing"].find(
    (suffix) => word.endsWith(suffix) && hasVowel(word.slice(0, -suffix.length)),
  );
  if (!ending) return word;
  const stem = word.slice(0, -ending.length);
  if (/(?:at|bl|iz)$/.test(stem)) return `${stem}e`;
  if (endsInDoubleConsonant(stem)) return /[lsz]$/.test(stem) ? stem : stem.slice(0, -1);
  return measure(stem) === 1 && endsShort(stem) ? `${stem}e` : stem;
}

/** Step 1c, with NLTK's condition. */
const finalY = (word: string): string =>
  apply(word, [["y", "i", (stem) => stem.length > 1 && isConsonant(stem, stem.length - 1)]]);

/** Step 2. */
function doubleSuffix(word: string): string {
  if (word.endsWith("alli") && hasMeasure(word.slice(0, -4)))
    return doubleSuffix(word.slice(0, -2));
  return apply(word, doubleSuffixes);
}

const simpleSuffix = (word: string): string => apply(word, simpleSuffixes);
const lastSuffix = (word: string): string => apply(word, lastSuffixes);

/** Step 5a. */
const finalE = (word: string): string =>
  apply(word, [
    ["e", "", (stem) => measure(stem) > 1 || (measure(stem) === 1 && !endsShort(stem))],
  ]);

/** Step 5b. */
const doubleL = (word: string): string =>
  word.endsWith("ll") && measure(word.slice(0, -1)) > 1 ? word.slice(0, -1) : word;

function apply(word: string, rules: readonly Rule[]): string {
  const rule = rules.find(([suffix]) => word.endsWith(suffix));
  if (!rule) return word;
  const [suffix, replacement, when] = rule;
  const stem = word.slice(0, word.length - suffix.length);
  return !when || when(stem) ? stem + replacement : word;
}

const isConsonant = (word: string, i: number): boolean =>
  word[i] === "y" ? i === 0 || !isConsonant(word, i - 1) : !"aeiou".includes(word[i]!);

/** Porter's m: how many times vowels are followed by consonants. */
function measure(stem: string): number {
  let count = 0;
  for (let i = 1; i < stem.length; i++)
    if (isConsonant(stem, i) && !isConsonant(stem, i - 1)) count++;
  return count;
}

const hasMeasure = (stem: string): boolean => measure(stem) > 0;
const hasVowel = (stem: string): boolean => Array.from(stem).some((_, i) => !isConsonant(stem, i));

const endsInDoubleConsonant = (word: string): boolean =>
  word.length >= 2 && word.at(-1) === word.at(-2) && isConsonant(word, word.length - 1);

/** Porter's *o: consonant, vowel, consonant that is not w, x or y; in NLTK also a word of a vowel and a consonant. */
function endsShort(word: string): boolean {
  const { length } = word;
  const vowelConsonant =
    length >= 2 && !isConsonant(word, length - 2) && isConsonant(word, length - 1);
  if (length === 2) return vowelConsonant;
  return vowelConsonant && isConsonant(word, length - 3) && !/[wxy]$/.test(word);
}

const rules = (list: string, when: (stem: string) => boolean): Rule[] =>
  list.split(" ").map((rule) => {
    const [suffix = "", replacement = ""] = rule.split(":");
    return [suffix, replacement, when] as const;
  });

/** Step 2. */
const doubleSuffixes: readonly Rule[] = [
  ...rules(
    "ational:ate tional:tion enci:ence anci:ance izer:ize bli:ble alli:al entli:ent eli:e ousli:ous ization:ize ation:ate ator:ate alism:al iveness:ive fulness:ful ousness:ous aliti:al iviti:ive biliti:ble fulli:ful",
    hasMeasure,
  ),
  ["logi", "log", (stem) => hasMeasure(`${stem}l`)],
];

/** Step 3. */
const simpleSuffixes = rules("icate:ic ative alize:al iciti:ic ical:ic ful ness", hasMeasure);

/** Step 4. */
const longEnough = (stem: string): boolean => measure(stem) > 1;
const lastSuffixes: readonly Rule[] = [
  ...rules("al ance ence er ic able ible ant ement ment ent", longEnough),
  ["ion", "", (stem) => longEnough(stem) && /[st]$/.test(stem)],
  ...rules("ou ism ate iti ous ive ize", longEnough),
];
