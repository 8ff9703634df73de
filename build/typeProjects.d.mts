/** Projects of a script `tsc -p PROJECT && tsc -p PROJECT …`; throws where it is anything else. */
export function typeProjects(script: string): readonly string[]
export function typeProjectsOf(file: URL): readonly string[]
