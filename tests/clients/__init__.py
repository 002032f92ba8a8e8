"""What others make of the API's description: a browser, Postman, a generator, a comparison."""
