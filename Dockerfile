# The exact version that the tests run. A digest pins the very bytes: --build-arg NODE_DIGEST=@sha256:…
ARG NODE_DIGEST=

# Build: everything from the lock file, then only what the app needs at run time.
FROM node:24.21.0-bookworm-slim${NODE_DIGEST} AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci
COPY . .
# Optional packages go too: they bring Node, which the image has, and add-ons that are compiled where they run.
RUN node scripts/build.mjs main sqlite-dump bridgeport-restore && npm prune --omit=dev --omit=optional
# V8's compiled code, made by the user of the later starts, since Node keeps it by user; then read by all and written by nobody but root.
RUN install -d -o node dist/compiled
USER node
RUN node scripts/warm-up.mjs
USER root
RUN chown -R root:root dist/compiled && chmod -R a+rX,go-w dist/compiled

FROM node:24.21.0-bookworm-slim${NODE_DIGEST}

# For databases on the machine itself: PostgreSQL 15, MariaDB 10.11 and SQLite 3.40 of Debian 12. Databases on other
# hosts are dumped by the tools of those hosts. tini reaps what ends without its parent,
# and curl is bridgeport-guard's.
RUN apt-get update \
  && apt-get install -y --no-install-recommends postgresql-client-15 mariadb-client sqlite3 tini curl \
  && rm -rf /var/lib/apt/lists/*

# The app is built: what installs packages only helps those who broke in.
RUN rm -rf /usr/local/lib/node_modules /opt/yarn-* \
  && cd /usr/local/bin && rm -f npm npx corepack yarn yarnpkg pnpm pnpx

WORKDIR /app
COPY --from=build /app/node_modules node_modules
COPY --from=build /app/dist dist
COPY package.json LICENSE ./
COPY scripts/bridgeport-guard.sh /usr/local/bin/bridgeport-guard
RUN for command in reset-password rotate-master-key; do \
    printf '#!/bin/sh\nexec node /app/dist/main.js %s "$@"\n' "$command" > "/usr/local/bin/$command" \
    && chmod 755 "/usr/local/bin/$command" || exit 1; \
  done \
  && printf '#!/bin/sh\nexec node /app/dist/bridgeport-restore.js "$@"\n' > /usr/local/bin/bridgeport-restore \
  && chmod 755 /usr/local/bin/bridgeport-restore \
  && install -d -o node -g node -m 700 /data

ENV NODE_ENV=production HOST=0.0.0.0 PORT=3000 DATA_DIR=/data
# See docs/decisions/0051.
ENV NODE_COMPILE_CACHE=/app/dist/compiled
# As in scripts/app-memory.mjs, which says why; the flags stand in CMD.
ENV MALLOC_ARENA_MAX=1 MALLOC_MMAP_THRESHOLD_=131072 MALLOC_TRIM_THRESHOLD_=131072
USER node
VOLUME /data
EXPOSE 3000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=5s --start-period=20s \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.PORT}/health`).then((answer) => process.exit(answer.ok ? 0 : 1), () => process.exit(1))"]

# A command after the image's name replaces the app: docker run --rm -v bridgeport-data:/data IMAGE reset-password EMAIL
ENTRYPOINT ["tini", "--"]
CMD ["node", "--max-semi-space-size=4", "dist/main.js"]
