import { Component, type ReactNode } from 'react'
import { RefusedScreen } from '../screens/refused/refusedScreen.tsx'

interface DefectBoundaryProps {
  readonly children: ReactNode
}

interface DefectBoundaryState {
  readonly broken: boolean
}

/** A defect of the page itself: a sentence and a way out instead of an empty window. Nothing that reads the model stands here. */
export class DefectBoundary extends Component<DefectBoundaryProps, DefectBoundaryState> {
  override readonly state: DefectBoundaryState = { broken: false }

  static getDerivedStateFromError(): DefectBoundaryState {
    return { broken: true }
  }

  override render(): ReactNode {
    if (!this.state.broken) return this.props.children
    return (
      <div className="app">
        <RefusedScreen error={{ code: 'internal', details: {} }} />
      </div>
    )
  }
}
