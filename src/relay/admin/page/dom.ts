type Child = Node | string | null

interface Attributes {
  readonly [name: string]: string | boolean | undefined
}

/** One element with its children; text is text, never markup (SECURITY 7). */
export function el<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Attributes = {},
  ...children: readonly Child[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag)
  for (const [name, value] of Object.entries(attributes)) {
    if (value === true) element.setAttribute(name, '')
    else if (typeof value === 'string') element.setAttribute(name, value)
  }
  element.append(...children.filter((child) => child !== null))
  return element
}

export function button(
  label: string,
  act: () => void | Promise<void>,
  attributes: Attributes = {},
): HTMLButtonElement {
  const element = el('button', { type: 'button', class: 'btn', ...attributes }, label)
  element.addEventListener('click', () => void act())
  return element
}

export interface Field {
  readonly row: HTMLElement
  readonly input: HTMLInputElement
}

export function field(id: string, label: string, attributes: Attributes = {}): Field {
  const input = el('input', {
    id,
    name: id,
    type: 'text',
    autocomplete: 'off',
    maxlength: '200',
    ...attributes,
  })
  return { input, row: el('div', { class: 'field' }, el('label', { for: id }, label), input) }
}

/** Rows of cells under headings; the first cell of a row names it. */
export function table(
  caption: string,
  heads: readonly string[],
  rows: readonly (readonly Child[])[],
): HTMLElement {
  const head = el('tr', {}, ...heads.map((each) => el('th', { scope: 'col' }, each)))
  const body = rows.map(([first = '', ...rest]) =>
    el('tr', {}, el('th', { scope: 'row' }, first), ...rest.map((cell) => el('td', {}, cell))),
  )
  // A wide table scrolls by itself, and then has to be reached by the keyboard.
  return el(
    'div',
    { class: 'scroll', tabindex: '0', role: 'region', 'aria-label': caption },
    el('table', {}, el('caption', {}, caption), el('thead', {}, head), el('tbody', {}, ...body)),
  )
}

export function facts(pairs: readonly (readonly [string, Child])[]): HTMLElement {
  return el('dl', {}, ...pairs.map(([name, value]) => el('div', {}, el('dt', {}, name), el('dd', {}, value))))
}
