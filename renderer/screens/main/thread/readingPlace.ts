import { useCallback, useEffect, useLayoutEffect, useRef, type RefObject } from 'react'

/** Where the reader is; it holds while the content above or below changes. */
type Place =
  | { readonly kind: 'bottom' }
  /** At the first new message, until the reader moves. */
  | { readonly kind: 'new' }
  | { readonly kind: 'at'; readonly row: string; readonly top: number }

/** Closer to the end than this counts as being there. */
const bottomSlackPx = 24
const newDividerTopPx = 64

export interface ReadingPlace {
  readonly atBottom: () => boolean
  readonly toBottom: () => void
}

interface ReadingPlaceOptions {
  readonly scroller: RefObject<HTMLElement | null>
  readonly inner: RefObject<HTMLElement | null>
  readonly startAtNew: boolean
  readonly onMoved: () => void
}

/**
 * Keeps the line that is read where it is: at the end it stays at the end, elsewhere the topmost visible message
 * keeps its height on the screen. Chromium's own anchoring is off, it does not work at the very top.
 */
export function useReadingPlace({ scroller, inner, startAtNew, onMoved }: ReadingPlaceOptions): ReadingPlace {
  const place = useRef<Place>({ kind: startAtNew ? 'new' : 'bottom' })
  /** Sizes at the last settling: a scroll event after others is the layout's, not the reader's. */
  const settledSize = useRef('')
  const moved = useRef(onMoved)
  moved.current = onMoved

  const settle = useCallback((): void => {
    const view = scroller.current
    if (view === null) return
    const { current } = place
    if (current.kind === 'bottom') {
      view.scrollTop = view.scrollHeight
      settledSize.current = sizeOf(view)
    } else {
      const selector = current.kind === 'new' ? '[data-new]' : `[data-row="${current.row}"]`
      const element = view.querySelector<HTMLElement>(selector)
      if (element === null) {
        if (current.kind === 'new') view.scrollTop = view.scrollHeight
        return
      }
      const top = element.getBoundingClientRect().top - view.getBoundingClientRect().top
      const wanted = current.kind === 'new' ? newDividerTopPx : current.top
      if (Math.abs(top - wanted) >= 1) view.scrollTop += top - wanted
    }
  }, [scroller])

  useEffect(() => {
    const view = scroller.current
    const content = inner.current
    if (view === null || content === null) return undefined
    const onScroll = (): void => {
      if (place.current.kind === 'bottom' && sizeOf(view) !== settledSize.current) settle()
      else place.current = placeNow(view, place.current)
      moved.current()
    }
    const observer = new ResizeObserver(() => {
      settle()
      moved.current()
    })
    observer.observe(view)
    observer.observe(content)
    view.addEventListener('scroll', onScroll, { passive: true })
    return () => {
      observer.disconnect()
      view.removeEventListener('scroll', onScroll)
    }
  }, [scroller, inner, settle])

  useLayoutEffect(settle)

  const atBottom = useCallback(
    () => scroller.current !== null && distanceToEnd(scroller.current) <= bottomSlackPx,
    [scroller],
  )
  const toBottom = useCallback(() => {
    place.current = { kind: 'bottom' }
    settle()
  }, [settle])
  return { atBottom, toBottom }
}

function sizeOf(view: HTMLElement): string {
  return `${view.clientWidth} ${view.clientHeight} ${view.scrollHeight}`
}

function distanceToEnd(view: HTMLElement): number {
  return view.scrollHeight - view.clientHeight - view.scrollTop
}

function placeNow(view: HTMLElement, before: Place): Place {
  if (distanceToEnd(view) <= bottomSlackPx) return { kind: 'bottom' }
  const frame = view.getBoundingClientRect()
  if (before.kind === 'new') {
    const divider = view.querySelector('[data-new]')
    const top = divider === null ? 0 : divider.getBoundingClientRect().top - frame.top
    // Our own scrolling to the divider is not the reader's.
    if (divider !== null && Math.abs(top - newDividerTopPx) < 2) return before
  }
  for (const element of view.querySelectorAll<HTMLElement>('[data-row]')) {
    const box = element.getBoundingClientRect()
    if (box.bottom <= frame.top) continue
    return { kind: 'at', row: element.dataset['row'] ?? '', top: box.top - frame.top }
  }
  return before
}
