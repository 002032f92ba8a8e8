"""What a cold start and a request may cost. These run alone, one after the other: they measure."""
