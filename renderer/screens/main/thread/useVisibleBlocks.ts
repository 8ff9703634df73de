import { useCallback, useEffect, useRef, useState, type RefObject } from 'react'

/** Blocks within so many pixels of the view are mounted. */
const marginPx = 1500

export interface VisibleBlocks {
  readonly isVisible: (key: number) => boolean
  /** The last measured height of a block that is not mounted; null when it never was. */
  readonly heightOf: (key: number) => number | null
  /** Attach to the element of each block. */
  readonly register: (key: number, element: HTMLElement | null) => void
}

/** Plain windowing: only the blocks around the view are in the document, the others are boxes of their height. */
export function useVisibleBlocks(scroller: RefObject<HTMLElement | null>): VisibleBlocks {
  const [visible, setVisible] = useState<ReadonlySet<number>>(new Set())
  const elements = useRef(new Map<number, HTMLElement>())
  const heights = useRef(new Map<number, number>())
  const observer = useRef<IntersectionObserver | null>(null)

  useEffect(() => {
    const seen = new IntersectionObserver(
      (entries) => {
        setVisible((before) => {
          const next = new Set(before)
          for (const entry of entries) {
            const key = Number((entry.target as HTMLElement).dataset['block'])
            if (!entry.isIntersecting && before.has(key))
              heights.current.set(key, entry.boundingClientRect.height)
            if (entry.isIntersecting) next.add(key)
            else next.delete(key)
          }
          return same(before, next) ? before : next
        })
      },
      { root: scroller.current, rootMargin: `${marginPx}px 0px` },
    )
    observer.current = seen
    elements.current.forEach((element) => seen.observe(element))
    return () => seen.disconnect()
  }, [scroller])

  const register = useCallback((key: number, element: HTMLElement | null): void => {
    const before = elements.current.get(key)
    if (before === element) return
    if (before) observer.current?.unobserve(before)
    if (element === null) elements.current.delete(key)
    else {
      elements.current.set(key, element)
      observer.current?.observe(element)
    }
  }, [])

  return {
    isVisible: (key) => visible.has(key),
    heightOf: (key) => heights.current.get(key) ?? null,
    register,
  }
}

function same(a: ReadonlySet<number>, b: ReadonlySet<number>): boolean {
  return a.size === b.size && [...a].every((key) => b.has(key))
}
