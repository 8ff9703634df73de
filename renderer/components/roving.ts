import type { KeyboardEvent } from 'react'

const pageStep = 10

/** Arrows, Home, End and page keys move the focus among the options of a list. Attach to the list. */
export function moveInList(event: KeyboardEvent<HTMLElement>): void {
  if (event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return
  const options = [...event.currentTarget.querySelectorAll<HTMLElement>('[role=option]')]
  const at = options.findIndex((option) => option === document.activeElement)
  const to = target(event.key, at, options.length)
  if (to === null) return
  event.preventDefault()
  options[to]?.focus()
}

/** After a way back to the list: its one stop, once it is shown again. */
export function focusList(): void {
  requestAnimationFrame(() => {
    document.querySelector<HTMLElement>('[role=option][tabindex="0"]')?.focus()
  })
}

/** Where a key leads from a place in a list of that many; null for other keys. */
export function target(key: string, at: number, count: number): number | null {
  const clamp = (index: number): number => Math.min(Math.max(index, 0), count - 1)
  switch (key) {
    case 'ArrowDown':
      return clamp(at + 1)
    case 'ArrowUp':
      return clamp(at - 1)
    case 'PageDown':
      return clamp(at + pageStep)
    case 'PageUp':
      return clamp(at - pageStep)
    case 'Home':
      return 0
    case 'End':
      return count - 1
    default:
      return null
  }
}
