/** One that may not use the storage yet. */
export interface OfferedEnvironment {
  readonly id: string;
  readonly name: string;
  readonly isTicked: boolean;
}

/** Enabled by the same button: a storage that no environment may use keeps no backup. */
export function MayUse({ environments }: { readonly environments: readonly OfferedEnvironment[] }) {
  if (environments.length === 0) return null;
  return (
    <fieldset class="field">
      <legend>May use it</legend>
      {environments.map(({ id, name, isTicked }) => (
        <label key={id}>
          <input type="checkbox" name="enable" value={id} checked={isTicked} />
          {name}
        </label>
      ))}
    </fieldset>
  );
}
