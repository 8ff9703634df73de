import type { Appearance } from '../src/contract/index.ts'

/** Language and theme stand on the root element; without `data-theme` the page follows the system. */
export function applyAppearance(root: HTMLElement, appearance: Appearance): void {
  root.lang = appearance.locale
  if (appearance.theme === null) delete root.dataset['theme']
  else root.dataset['theme'] = appearance.theme
}
