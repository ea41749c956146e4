/** What whoever runs the app types on its host for a lost password. */
export function ResetPasswordCommands() {
  return (
    <ul>
      <li>
        <code>npm run reset-password -- you@example.com</code>
      </li>
      <li>
        in the container: <code>docker compose exec bridgeport reset-password you@example.com</code>
      </li>
    </ul>
  );
}
