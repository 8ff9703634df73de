import { useEffect } from 'react'
import { modalOpen } from './dialog.tsx'

const focusable =
  'button:not([tabindex="-1"]), input:not([tabindex="-1"]), textarea, select, a[href]:not([tabindex="-1"]), [tabindex="0"]'

/** F6 and Shift+F6 go round the regions of the window (`data-region`), to where each was left or begins. */
export function useRegions(): void {
  useEffect(() => {
    const onKey = (event: KeyboardEvent): void => {
      if (event.key !== 'F6' || event.ctrlKey || event.altKey || modalOpen()) return
      event.preventDefault()
      moveRegion(event.shiftKey ? -1 : 1)
    }
    window.addEventListener('keydown', onKey)
    return () => window.removeEventListener('keydown', onKey)
  }, [])
}

function moveRegion(step: 1 | -1): void {
  const regions = [...document.querySelectorAll<HTMLElement>('[data-region]')].flatMap((region) => {
    const target = targetIn(region)
    return target === null ? [] : [{ region, target }]
  })
  if (regions.length === 0) return
  // Regions may lie in each other: the innermost one that holds the focus is the current one.
  const current = document.activeElement?.closest('[data-region]') ?? null
  const at = regions.findIndex(({ region }) => region === current)
  const next = at < 0 ? (step === 1 ? 0 : regions.length - 1) : (at + step + regions.length) % regions.length
  regions[next]?.target.focus()
}

function targetIn(region: HTMLElement): HTMLElement | null {
  const preferred = region.querySelector<HTMLElement>('[data-region-focus]')
  const all = [...region.querySelectorAll<HTMLElement>(focusable)]
  return [...(preferred ? [preferred] : []), ...all].find((one) => one.checkVisibility()) ?? null
}
