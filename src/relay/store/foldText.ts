const unfolded: Readonly<Record<string, string>> = {
  œ: 'oe',
  æ: 'ae',
  ß: 'ss',
  ø: 'o',
  ł: 'l',
  đ: 'd',
  ð: 'd',
  þ: 'th',
  ı: 'i',
}

/** Text without case and accents, for searching and sorting names in both languages; words are parted by one space. */
export function foldText(text: string): string {
  return text
    .normalize('NFKD')
    .replaceAll(/\p{M}/gu, '')
    .toLowerCase()
    .replaceAll(/[œæßøłđðþı]/g, (letter) => unfolded[letter] ?? letter)
    .replaceAll(/[^\p{L}\p{N}]+/gu, ' ')
    .trim()
}

/** The words of a query, as `AccountStore.search` takes them. */
export function searchWords(query: string): readonly string[] {
  return foldText(query)
    .split(' ')
    .filter((word) => word !== '')
}

/** Who has a word that begins with `martin` has one that begins with `mar`: the shorter need not be looked for. */
export function neededWords(words: readonly string[]): readonly string[] {
  const distinct = [...new Set(words)]
  return distinct.filter((word) => !distinct.some((other) => other !== word && other.startsWith(word)))
}
