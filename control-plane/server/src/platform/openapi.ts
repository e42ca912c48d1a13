import { writeFileSync } from 'node:fs';
import { Controller, Get, Injectable, type INestApplication } from '@nestjs/common';
import { DocumentBuilder, SwaggerModule, type OpenAPIObject } from '@nestjs/swagger';
import { StrongroomError } from './errors.js';
import { problemSchema } from './problem.js';
import { RouteAction, SECURITY_OF } from './route-action.js';

/** The description of the running application, made once all routes stand. */
@Injectable()
export class OpenApi {
  #document: OpenAPIObject | undefined;

  describe(app: INestApplication): void {
    const config = new DocumentBuilder()
      .setTitle('Strongroom control plane')
      .setDescription('People use a bearer session token; nodes a client certificate on the agents listener. Errors are RFC 9457 problems.')
      .setVersion('1')
      .setOpenAPIVersion('3.1.0')
      .addBearerAuth({ type: 'http', scheme: 'bearer', description: 'Token of POST /v1/sessions' }, SECURITY_OF.person)
      // OpenAPI 3.1 has it; the builder's types are of 3.0.
      .addSecurity(SECURITY_OF.node, { type: 'mutualTLS', description: 'Certificate of an enrolment, on the agents listener' } as never)
      .addGlobalResponse({ status: 'default', description: 'A problem (RFC 9457)', standardSchema: problemSchema })
      .build();
    this.#document = nameWildcards(SwaggerModule.createDocument(app, config, { operationIdFactory: (controller, method) => `${controller.replace(/Controller$/, '')}_${method}` }));
  }

  get document(): OpenAPIObject {
    if (!this.#document) throw new StrongroomError('defect', 'the application is not described yet');
    return this.#document;
  }

  /** As `docs/openapi.json` keeps it. */
  get text(): string {
    return `${JSON.stringify(this.document, null, 2)}\n`;
  }
}

/** A wildcard is `{path}` in the address, and must be in the parameters too. */
function nameWildcards(document: OpenAPIObject): OpenAPIObject {
  for (const operations of Object.values(document.paths)) {
    for (const { parameters = [] } of [operations.get, operations.post, operations.delete].filter((operation) => operation !== undefined)) {
      for (const parameter of parameters) if ('name' in parameter && parameter.name === '*') parameter.name = 'path';
    }
  }
  return document;
}

/** Writes the description of a running application, for the drift check of `docs/openapi.json`. */
export function writeOpenApi(app: INestApplication, path: string): void {
  writeFileSync(path, app.get(OpenApi, { strict: false }).text);
}

@Controller()
export class OpenApiController {
  constructor(private readonly openApi: OpenApi) {}

  @Get('openapi.json')
  @RouteAction({ action: 'api.describe', principal: 'anyone', surfaces: ['people', 'agents'] })
  describe(): OpenAPIObject {
    return this.openApi.document;
  }
}
