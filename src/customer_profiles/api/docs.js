SwaggerUIBundle({ dom_id: "#docs", url: "schema/", validatorUrl: null });
