# One image for all processors: `docker build --tag wellspring:VERSION .` (k8s/README.md).

FROM node:22.21.1-bookworm-slim AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
# No package's own scripts: those with native parts bring them built.
RUN npm ci --ignore-scripts
COPY tsconfig.json tsconfig.build.json ./
COPY scripts/ scripts/
COPY bench/ bench/
COPY schemas/ schemas/
COPY topics/ topics/
COPY engine/ engine/
COPY curation/ curation/
COPY inference/ inference/
COPY verifiers/ verifiers/
COPY domains/ domains/
COPY exports/ exports/
COPY simulator/ simulator/
COPY processors/ processors/
COPY pages/ pages/
COPY cli/ cli/
RUN node scripts/build.mjs --force && rm -r dist/bench dist/scripts
# Pods run on Kafka, so the client of the schema registry belongs to them. Then what only building needed is taken away, and
# what is left is listed.
RUN node --eval "const p = require('./package.json'); Object.assign(p.dependencies, p.peerDependencies); \
    delete p.peerDependencies; delete p.devDependencies; fs.writeFileSync('package.json', JSON.stringify(p, null, 2))" \
  && npm prune --omit=dev --ignore-scripts \
  && npm sbom --omit=dev --sbom-format=cyclonedx > sbom.cdx.json

FROM debian:12.12-slim
# python3 runs generated programs; tini passes signals on and reaps what they leave.
RUN apt-get update \
  && apt-get install --yes --no-install-recommends ca-certificates libstdc++6 python3 tini \
  && rm -rf /var/lib/apt/lists/*
COPY --from=build /usr/local/bin/node /usr/local/bin/node
COPY --from=build /app/node_modules /app/node_modules
COPY --from=build /app/dist /app/dist
COPY --from=build /app/package.json /app/sbom.cdx.json /app/
COPY verifiers/sandbox/ /app/verifiers/sandbox/
COPY examples/ /app/examples/
COPY LICENSE README.md /app/
RUN ln -s /app/dist/cli/main.js /usr/local/bin/wellspring
ENV NODE_ENV=production WELLSPRING_DATA=/data
WORKDIR /tmp
USER 10001:10001
ENTRYPOINT ["tini", "--", "wellspring"]
CMD ["--help"]
