// Who hears what, with types. A listener that throws hurts nobody else.

export class Emitter<Events extends { [name: string]: unknown }> {
  private readonly listeners = new Map<keyof Events, Set<(x: any) => void>>();

  /** Returns what undoes it. */
  on<N extends keyof Events>(name: N, heard: (x: Events[N]) => void): () => void {
    const all = this.listeners.get(name) ?? new Set();
    this.listeners.set(name, all.add(heard));
    return () => { all.delete(heard); };
  }

  protected emit<N extends keyof Events>(name: N, x: Events[N]): void {
    for (const heard of [...(this.listeners.get(name) ?? [])]) {
      try {
        heard(x);
      } catch (problem) {
        Promise.reject(problem); // reported as unhandled, as any other mistake of the app
      }
    }
  }
}
